"""Real image bytes, honest and less so."""

from io import BytesIO

from PIL import Image, ImageDraw


def picture(size=(900, 600), mode="RGB"):
    """Return a picture of a made-up identity card: text on white, on a noisy table."""
    image = Image.effect_noise(size, 60).convert("RGB")
    draw = ImageDraw.Draw(image)
    width, height = size
    draw.rectangle((width // 12, height // 12, width * 11 // 12, height * 11 // 12), fill="white", outline="black")
    draw.text(
        (width // 8, height // 6), "IDENTITY CARD\nP<UTOERIKSSON<<ANNA<MARIA", fill="black", font_size=height // 15
    )
    return image.convert(mode)


def encoded(image=None, format="JPEG", **options):
    out = BytesIO()
    (image or picture()).save(out, format, **options)
    return out.getvalue()


def with_comment(jpeg, comment):
    """Return the same picture as another file."""
    segment = comment.encode()
    return jpeg[:2] + b"\xff\xfe" + (len(segment) + 2).to_bytes(2, "big") + segment + jpeg[2:]


def with_gps_and_comment():
    """Return a JPEG that is stored on its side and carries EXIF (a position, a maker) and a comment."""
    exif = Image.Exif()
    exif[0x0112] = 6  # orientation: turn by 90° to see it upright
    exif[0x010F] = "SECRETMAKER"
    exif.get_ifd(0x8825)[2] = (34.0, 54.0, 0.0)
    return encoded(exif=exif, comment=b"SECRETCOMMENT")


def mpo():
    """Return what many phone cameras write as .jpg: two pictures in one file."""
    return encoded(picture(), "MPO", save_all=True, append_images=[picture((300, 200))])
