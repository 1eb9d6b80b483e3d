"""What a file claims to be, before anything decodes it: each limit with the file just over it."""

import struct
import zlib

import pytest

from patients.photos import inspection
from patients.photos.inspection import Refused, inspect
from patients.tests import pictures
from patients.tests.hostile import HEIC, jpeg_that_claims, png, png_that_claims

JPEG = pictures.encoded(pictures.picture((520, 320)))
PROGRESSIVE = pictures.encoded(pictures.picture((520, 320)), progressive=True)
COLOURFUL = pictures.encoded(pictures.picture((520, 320)), subsampling=0)
WEBP = pictures.encoded(pictures.picture((520, 320)), "WEBP")
FRAME = JPEG.index(b"\xff\xc0")
SCAN = PROGRESSIVE[PROGRESSIVE.rindex(b"\xff\xda") : -2]
COLOUR = HEIC.index(b"colrnclx")
ISPE = HEIC.index(b"ispe") + 8


def header(width=600, height=400):
    return (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))


IMAGE, END = (b"IDAT", zlib.compress(b"")), (b"IEND", b"")


def webp(*chunks):
    body = b"".join(kind + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2) for kind, data in chunks)
    return b"RIFF" + struct.pack("<I", 4 + len(body)) + b"WEBP" + body


def canvas(width, height):
    return (b"VP8X", b"\0\0\0\0" + (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little"))


def lossless(width, height):
    return (b"VP8L", b"\x2f" + (width - 1 | height - 1 << 14).to_bytes(4, "little"))


def heic_of(width, height, *changes):
    content = HEIC[:ISPE] + struct.pack(">II", width, height) + HEIC[ISPE + 8 :]
    for old, new in changes:
        assert old in content
        content = content.replace(old, new, 1)
    return content


def test_tells_the_honest_ones():
    assert inspect(JPEG) == inspect(PROGRESSIVE) == ("JPEG", 520, 320)
    assert inspect(WEBP) == ("WEBP", 520, 320) and inspect(webp(canvas(600, 400))) == ("WEBP", 600, 400)
    assert inspect(png(header(), IMAGE, END)) == ("PNG", 600, 400) and inspect(HEIC) == ("HEIC", 640, 428)
    assert inspect(JPEG + b"anything behind") == ("JPEG", 520, 320)
    assert inspect(JPEG[:2] + b"\xff" * 63 + JPEG[2:]).format == "JPEG"
    assert inspect(heic_of(6000, 5900)).format == "HEIC"
    assert inspect(heic_of(640, 428, (b"mif1heic", b"hevcheic"))).format == "HEIC"


REFUSED = {
    "jpeg, 64 megapixels at most": (jpeg_that_claims(8001, 8000, JPEG), "too_many_pixels"),
    "jpeg, six times as long as wide": (jpeg_that_claims(1501, 250, JPEG), "too_narrow"),
    "jpeg, 480 pixels long": (jpeg_that_claims(479, 300, JPEG), "too_small"),
    "jpeg, 240 pixels wide": (jpeg_that_claims(600, 239, JPEG), "too_small"),
    "jpeg, 30 scans": (PROGRESSIVE[:-2] + SCAN * 30 + b"\xff\xd9", "too_many_pixels"),
    "jpeg, all its scans": (PROGRESSIVE[: PROGRESSIVE.rindex(b"\xff\xda")] + b"\xff\xd9", "damaged"),
    "jpeg, scans after a frame": (b"\xff\xd8" + SCAN * 2 + b"\xff\xd9", "damaged"),
    "jpeg, scans of its components": (JPEG[:-2] + SCAN.replace(b"\1\1", b"\1\x09", 1) + b"\xff\xd9", "damaged"),
    "jpeg, 110 million coefficients": (
        jpeg_that_claims(8000, 8000, COLOURFUL[:-2] + SCAN + b"\xff\xd9"),
        "too_many_pixels",
    ),
    "jpeg, scans by megapixels": (
        jpeg_that_claims(8000, 7900, PROGRESSIVE.replace(b"\xff\xc2", b"\xff\xc0", 1)).replace(
            b"\xff\xc0", b"\xff\xc2", 1
        ),
        "too_many_pixels",
    ),
    "jpeg, one frame": (JPEG[:FRAME] + JPEG[FRAME : FRAME + 19] + JPEG[FRAME:], "damaged"),
    "jpeg, of a common kind": (JPEG.replace(b"\xff\xc0", b"\xff\xc9", 1), "damaged"),
    "jpeg, of 8 bits": (JPEG[: FRAME + 4] + b"\x0c" + JPEG[FRAME + 5 :], "damaged"),
    "jpeg, of 1, 3 or 4 components": (JPEG[: FRAME + 9] + b"\x02" + JPEG[FRAME + 10 :], "damaged"),
    "jpeg, with an end": (JPEG[:-2], "damaged"),
    "jpeg, with a frame": (b"\xff\xd8\xff\xd9", "damaged"),
    "jpeg, segments of a length": (JPEG[:2] + b"\xff\xfe\0\1" + JPEG[2:], "damaged"),
    "jpeg, little fill": (JPEG[:2] + b"\xff" * 65 + JPEG[2:], "damaged"),
    "jpeg, 2,000 segments": (JPEG[:2] + b"\xff\xfe\0\2" * 2000 + JPEG[2:], "damaged"),
    "png, 25 megapixels at most": (png_that_claims(5001, 5000), "too_many_pixels"),
    "png, not animated": (png(header(), (b"acTL", bytes(8)), IMAGE, END), "animated"),
    "png, one header": (png(header(), header(), IMAGE, END), "damaged"),
    "png, header first": (png(IMAGE, header(), END), "damaged"),
    "png, small extras": (png(header(), (b"eXIf", bytes(1_000_001)), IMAGE, END), "damaged"),
    "png, small texts": (png(header(), (b"tEXt", bytes(64_001)), IMAGE, END), "damaged"),
    "png, 20,000 chunks": (png(header(), *[(b"IDAT", b"")] * 20_000, END), "damaged"),
    "png, with an end": (png(header(), IMAGE), "damaged"),
    "webp, 15 megapixels at most": (webp(canvas(4001, 3750)), "too_many_pixels"),
    "webp, not animated": (webp(canvas(600, 400), (b"ANIM", bytes(6))), "animated"),
    "webp, no larger than its canvas": (webp(canvas(600, 400), lossless(601, 400)), "damaged"),
    "webp, all there": (WEBP[:-10], "damaged"),
    "webp, chunks that fit": (webp((b"VP8X", b""))[:-4] + b"\xff\0\0\0", "damaged"),
    "heic, 36 megapixels at most": (heic_of(6001, 6000), "too_many_pixels"),
    "heic, half with more colour": (
        heic_of(6000, 4000, (b"\xf0\0\xfc\xfd", b"\xf0\0\xfc\xff")),
        "too_many_pixels",
    ),
    "heic, half with alpha": (
        heic_of(6000, 4000, (HEIC[COLOUR : COLOUR + 15], b"auxCauxid:1\0\0\0\0")),
        "too_many_pixels",
    ),
    "heic, not a sequence": (heic_of(640, 428, (b"ftypheic", b"ftyphevc")), "type"),
    "heic, not avif": (heic_of(640, 428, (b"ftypheic", b"ftypavif")), "type"),
    "heic, of a known brand": (heic_of(640, 428, (b"ftypheic", b"ftypisom"), (b"mif1heic", b"isomisom")), "type"),
    "heic, all there": (HEIC[:-9000], "damaged"),
    "heic, of a size": (HEIC.replace(b"ispe", b"free"), "damaged"),
    "heic, 20,000 boxes": (HEIC + b"\0\0\0\x08free" * 20_001, "damaged"),
    "pdf": (b"%PDF-1.7", "pdf"),
    "gif": (b"GIF89a", "type"),
}


@pytest.mark.parametrize("rule", REFUSED)
def test_refuses_what_breaks_a_rule(rule):
    content, code = REFUSED[rule]

    with pytest.raises(Refused) as refused:
        inspect(content)

    assert refused.value.code == code


def test_the_largest_item_of_a_heic_counts():
    at = HEIC.index(b"ispe") - 4
    small = HEIC[at : at + 20].replace(struct.pack(">I", 640), struct.pack(">I", 64))
    sizes = [start for kind, start, _ in inspection._boxes(HEIC, 0, len(HEIC)) if kind == b"ispe"]

    assert len(sizes) >= 1 and small != HEIC[at : at + 20]
    assert inspect(heic_of(700, 500)) == ("HEIC", 700, 500)
