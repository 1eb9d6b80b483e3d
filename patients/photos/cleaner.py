"""The process that decodes pictures, run as a script by cleaning.py: nothing of the service is in its memory.

It reads jobs from its standard input and forks, for each, a child with hard limits that decodes the picture, draws it
anew and encodes it. Whatever a decoder does, at most that child dies. This file imports no Django and no settings.
"""

import json
import os
import re
import resource
import struct
import sys
import zlib
from io import BytesIO

import pi_heif
from PIL import (  # noqa: F401 — the plugins make their formats known
    Image,
    ImageFilter,
    ImageStat,
    JpegImagePlugin,
    PngImagePlugin,
    WebPImagePlugin,
)

LONG_SIDE_STORED, LONG_SIDE_THUMBNAIL = 2000, 480  # pixels; machine-readable zones were read at 400
QUALITY = 88
MEMORY_MOST = 1_000_000_000  # bytes of address space, about three times what the worst legal picture needs
CPU_SECONDS_MOST = 8
# How sharp a picture is: the 95th percentile, over its 64 tiles, of the Laplacian's variance, at a size that makes
# pictures comparable. A card on a scanned page fills hardly five of them.
TILES, LONG_SIDE_JUDGED = 8, 1000
FLAT_BELOW, BLURRED_BELOW, SOFT_BELOW, DARK_BELOW = 2, 3, 100, 60

ORIENTATION = 0x0112  # EXIF 2.32, section 4.6.4
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}

CLOCKWISE = {1: Image.Transpose.ROTATE_270, 2: Image.Transpose.ROTATE_180, 3: Image.Transpose.ROTATE_90}

JOB = struct.Struct(">4sBI")  # the format, the quarter turns and the length of the file that follows
RESULT = struct.Struct(">III")  # the lengths of a JSON object, the picture and the thumbnail that follow


def serve(source, target):
    """Answer jobs until the source ends."""
    _warm_up()
    while header := source.read(JOB.size):
        kind, turns, length = JOB.unpack(header)
        data = source.read(length)
        target.write(_in_child(kind.decode().strip(), data, turns))
        target.flush()


def _warm_up():
    """Load here, once, what every child would load for itself."""
    os.environ["OPENBLAS_NUM_THREADS"] = (
        "1"  # else numpy, which simplejpeg loads, starts threads with memory of their own
    )
    pi_heif.register_heif_opener(thumbnails=False, depth_images=False, aux_images=False)
    picture = BytesIO()
    Image.effect_noise((480, 480), 90).convert("RGB").save(picture, "JPEG")
    clean("JPEG", picture.getvalue())


def _in_child(kind, data, turns):
    """Return the result of clean(), or a refusal when the child that ran it came to harm."""
    read_end, write_end = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(read_end)
        _limit()
        with os.fdopen(write_end, "wb") as out:
            out.write(clean(kind, data, turns))
        os._exit(0)
    os.close(write_end)
    with os.fdopen(read_end, "rb") as result:
        answer = result.read()
    _, status = os.waitpid(child, 0)
    return answer if status == 0 else _result({"refused": "damaged", "crashed": status})


def _limit():
    for limit, value in (
        (resource.RLIMIT_AS, MEMORY_MOST),
        (resource.RLIMIT_CPU, CPU_SECONDS_MOST),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NOFILE, 16),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(limit, (value, value))


def clean(kind, data, turns=0):
    """Return the framed result: the picture, turned clockwise by quarters, and its thumbnail, or why it is refused."""
    try:
        picture = _decode(kind, data)
    except Exception:  # decoders raise whatever they like
        return _result({"refused": "damaged"})
    grey = picture.convert("L")
    grey.thumbnail((LONG_SIDE_JUDGED, LONG_SIDE_JUDGED), Image.Resampling.BOX)
    sharpness, spread = _sharpness(grey), ImageStat.Stat(grey).stddev[0]
    if spread < FLAT_BELOW or sharpness < BLURRED_BELOW:
        return _result({"refused": "unreadable"})
    is_hard_to_read = sharpness < SOFT_BELOW or _percentile(grey.histogram(), 0.95) < DARK_BELOW
    if turns:
        picture = picture.transpose(CLOCKWISE[turns])
    encoded = _encode(picture)
    picture.thumbnail((LONG_SIDE_THUMBNAIL, LONG_SIDE_THUMBNAIL), Image.Resampling.LANCZOS)
    return _result({"hard_to_read": is_hard_to_read}, encoded, _encode(picture))


def _decode(kind, data):
    """Return the upright picture at its stored size: pixels alone, in RGB or grey, on white where transparent."""
    Image.MAX_IMAGE_PIXELS = None  # inspection.py has counted them
    if kind == "JPEG":
        data = _without_segments(data, JPEG_UNUSED)
    image = Image.open(BytesIO(data), formats=["HEIF" if kind == "HEIC" else kind])
    if kind in _REQUIRE_WHOLE:
        _REQUIRE_WHOLE[kind](data, image)
    scale = min(1, LONG_SIDE_STORED / max(image.size))
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    image.draft("RGB", size)  # a JPEG is decoded at half, a quarter or an eighth of its size, if that is enough
    image.load()
    if image.mode.startswith("I;16"):
        image = image.point(lambda value: value / 256).convert("L")
    if image.mode in ("1", "P", "PA"):  # whose values cannot be averaged
        image = image.convert("RGBA" if image.has_transparency_data else "RGB")
    image.thumbnail(size, Image.Resampling.LANCZOS, reducing_gap=3)
    turn = _turn_of(image)
    if turn is not None:
        image = image.transpose(turn)
    if image.has_transparency_data:
        image = image.convert("RGBA")
        fresh = Image.new("RGB", image.size, "white")
        fresh.paste(image, mask=image.getchannel("A"))
        return fresh
    if image.mode not in ("RGB", "L"):
        image = image.convert("RGB")
    fresh = Image.new(image.mode, image.size)
    fresh.paste(image)
    return fresh


ADAM7 = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]
PNG_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
PNG_PORTION = 65_536  # bytes to decompress at a time: into 64 MB at the most

# libjpeg-turbo's words; a few bytes too many are what some cameras write.
JPEG_DAMAGE = re.compile(r"Corrupt JPEG data(: (?P<padding>\d+) extraneous)?|Premature end|Inconsistent progression")
JPEG_PADDING_MOST = 64
# Segments that say something of the colours (JFIF, Adobe) or the orientation (EXIF); and all the others that are no
# part of the picture: comments, colour profiles and what not, in any state.
JPEG_JFIF, JPEG_EXIF, JPEG_ADOBE, JPEG_COMMENT = 0xE0, 0xE1, 0xEE, 0xFE
JPEG_UNUSED = {*range(0xE0, 0xF0), JPEG_COMMENT} - {JPEG_JFIF, JPEG_EXIF, JPEG_ADOBE}


def _without_segments(data, unwanted):
    """Return a JPEG, which inspection.py has walked, without the segments of these markers before its first scan."""
    at, parts = 2, [data[:2]]
    while (marker := data[at + 1]) != 0xDA:
        if marker == 0xFF:  # a fill byte
            at += 1
            continue
        end = at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        if marker not in unwanted:
            parts.append(data[at:end])
        at = end
    return b"".join([*parts, data[at:]])


def _require_whole_jpeg(data, image):
    """Refuse what libjpeg only warns of, and fills in with grey: Pillow doesn't pass its warnings on."""
    import simplejpeg  # here, since it loads numpy, of which nobody who only imports this file has any use

    colours = "CMYK" if image.mode == "CMYK" else "GRAY"
    data = _without_segments(data, {JPEG_JFIF, JPEG_EXIF})  # of which the one word that it tells might be
    try:
        simplejpeg.decode_jpeg(data, colours, min_width=1, min_height=1)  # at an eighth of its size, the cheapest
    except ValueError as warning:
        damage = JPEG_DAMAGE.match(str(warning))
        if damage and int(damage["padding"] or JPEG_PADDING_MOST + 1) > JPEG_PADDING_MOST:
            raise


def _require_whole_png(data, image):
    """Refuse a whole stream of half the rows, which Pillow takes. PNG (W3C), sections 7, 8.1 and 11.2.1."""
    depth, colour, interlaced = data[24], data[25], data[28]
    missing, stream = 0, zlib.decompressobj()
    for left, top, across, down in ADAM7 if interlaced else [(0, 0, 1, 1)]:
        width, height = -((left - image.width) // across), -((top - image.height) // down)
        missing += height * (1 + (width * PNG_CHANNELS[colour] * depth + 7) // 8)  # each row after its filter's byte
    at = 8
    while missing > 0 and at < len(data):
        length, chunk = struct.unpack_from(">I4s", data, at)
        if chunk == b"IDAT":
            for start in range(at + 8, at + 8 + length, PNG_PORTION):
                missing -= len(stream.decompress(data[start : min(start + PNG_PORTION, at + 8 + length)]))
        at += 12 + length
    if missing > 0:
        raise ValueError("the pixel data ended before the picture did")


_REQUIRE_WHOLE = {"JPEG": _require_whole_jpeg, "PNG": _require_whole_png}


def _turn_of(image):
    """Return the transposition that makes the picture upright, or None; EXIF may hold any nonsense."""
    try:
        return TURNS.get(image.getexif().get(ORIENTATION))
    except Exception:
        return None


def _encode(picture):
    out = BytesIO()
    picture.save(out, "JPEG", quality=QUALITY)
    return out.getvalue()


def _sharpness(grey):
    laplacian = grey.filter(ImageFilter.Kernel((3, 3), (0, 1, 0, 1, -4, 1, 0, 1, 0), scale=1, offset=128))
    # Without the outermost pixels, which Pillow passes on unfiltered: on a white ground each would seem an edge.
    laplacian = laplacian.crop((1, 1, grey.width - 1, grey.height - 1))
    width, height = laplacian.width // TILES, laplacian.height // TILES
    variances = sorted(
        ImageStat.Stat(laplacian.crop((x * width, y * height, (x + 1) * width, (y + 1) * height))).var[0]
        for x in range(TILES)
        for y in range(TILES)
    )
    return variances[int(len(variances) * 0.95)]


def _percentile(histogram, share):
    wanted, seen = sum(histogram) * share, 0
    for value, count in enumerate(histogram):
        seen += count
        if seen >= wanted:
            return value
    return len(histogram) - 1


def _result(facts, picture=b"", thumbnail=b""):
    text = json.dumps(facts).encode()
    return RESULT.pack(len(text), len(picture), len(thumbnail)) + text + picture + thumbnail


if __name__ == "__main__":
    serve(sys.stdin.buffer, sys.stdout.buffer)
