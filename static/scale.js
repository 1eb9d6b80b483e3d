const LONG_SIDES = [4000, 3000, 2000]; // pixels, tried in turn; the service stores 2000

/** Return the photo, a File, as a JPEG of at most so many bytes, or null; raise what this browser can't decode. */
export async function scaled(file, limit) {
  const bitmap = await createImageBitmap(file);
  for (const longSide of LONG_SIDES) {
    const scale = Math.min(1, longSide / Math.max(bitmap.width, bitmap.height));
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [bitmap.width * scale, bitmap.height * scale];
    canvas.getContext("2d").drawImage(bitmap, 0, 0, canvas.width, canvas.height);
    const blob = await new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", 0.9));
    if (blob?.size <= limit) return new File([blob], file.name.replace(/\.\w+$/, "") + ".jpg", { type: blob.type });
  }
  return null;
}
