"""A collection of hostile files, made anew for each run from a fixed seed: (what it is, its bytes)."""

import random
import struct
import zlib
from io import BytesIO
from pathlib import Path

from PIL import Image, PngImagePlugin

from patients.tests import pictures

HEIC = (Path(__file__).parent / "data" / "card.heic").read_bytes()


def files():
    chance = random.Random(20261124)  # noqa: S311 — repeatable is what it must be
    honest = _honest()
    yield from honest.items()
    for name, content in honest.items():
        for depth in range(1, 31):
            yield f"{name} cut off at {depth}/31", content[: len(content) * depth // 31]
        for count in range(30):
            yield f"{name} with flipped bits {count}", _flip(content, chance)
        for count in range(4):
            start = chance.randrange(len(content))
            yield f"{name} with a hole {count}", content[:start] + content[start + 200 :]
    for start in (b"\xff\xd8\xff\xe0", b"\x89PNG\r\n\x1a\n", b"RIFF\xff\xff\x00\x00WEBPVP8 ", b"\0\0\0\x18ftypheic"):
        for count in range(15):
            yield f"noise after {start!r} {count}", start + chance.randbytes(chance.randrange(2000))
    yield from _bombs()
    yield from _polyglots(honest)
    yield from _other_formats()


def _honest():
    image = pictures.picture((520, 320))
    return {
        "jpeg": pictures.encoded(image),
        "progressive jpeg": pictures.encoded(image, progressive=True),
        "cmyk jpeg": pictures.encoded(image.convert("CMYK")),
        "mpo": pictures.encoded(image, "MPO", save_all=True, append_images=[image.resize((300, 200))]),
        "png": pictures.encoded(image, "PNG"),
        "palette png": pictures.encoded(image.convert("P"), "PNG"),
        "webp": pictures.encoded(image, "WEBP"),
        "lossless webp": pictures.encoded(image, "WEBP", lossless=True),
        "heic": HEIC,
    }


def _flip(content, chance):
    flipped = bytearray(content)
    for _ in range(chance.choice((1, 3, 20))):
        flipped[chance.randrange(len(flipped))] ^= 1 << chance.randrange(8)
    return bytes(flipped)


def png(*chunks):
    parts = (len(d).to_bytes(4, "big") + k + d + zlib.crc32(k + d).to_bytes(4, "big") for k, d in chunks)
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def png_that_claims(width, height, *more, data=b""):
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return png((b"IHDR", header), *more, (b"IDAT", zlib.compress(data)), (b"IEND", b""))


def jpeg_that_claims(width, height, content=None):
    content = content or pictures.encoded(pictures.picture((520, 320)))
    at = content.index(b"\xff\xc0") + 5
    return content[:at] + struct.pack(">HH", height, width) + content[at + 4 :]


def _bombs():
    zeros = zlib.compress(bytes(50_000_000), 9)
    for side in (6_000, 20_000, 65_000, 2**31 - 1):
        yield f"png that claims {side} pixels a side", png_that_claims(side, side)
    yield (
        "png of zeros",
        png((b"IHDR", struct.pack(">IIBBBBB", 4900, 4900, 16, 6, 0, 0, 0)), (b"IDAT", zeros), (b"IEND", b"")),
    )
    yield "png with a text bomb", png_that_claims(600, 400, (b"zTXt", b"a\0\0" + zeros))
    yield "png with a profile bomb", png_that_claims(600, 400, (b"iCCP", b"a\0\0" + zeros))
    yield "png with 100,000 chunks", png_that_claims(600, 400, *[(b"tEXt", b"a\0b")] * 100_000)
    for side in (9_000, 65_500):
        yield f"jpeg that claims {side} pixels a side", jpeg_that_claims(side, side)
    jpeg = pictures.encoded(pictures.picture((520, 320)), progressive=True)
    scan = jpeg[jpeg.rindex(b"\xff\xda") : -2]
    yield "jpeg with 2,000 scans", jpeg[:-2] + scan * 2_000 + b"\xff\xd9"
    yield "jpeg with a thousand comments", jpeg[:2] + (b"\xff\xfe\xff\xff" + bytes(65_533)) * 100 + jpeg[2:]
    yield "jpeg with fill bytes", jpeg[:2] + b"\xff" * 1_000_000 + jpeg[2:]
    yield (
        "jpeg of arithmetic coding",
        pictures.encoded(pictures.picture((520, 320))).replace(b"\xff\xc0", b"\xff\xc9", 1),
    )
    for kind in (b"VP8L\x05\0\0\0\x2f\xff\xff\xff\x0f\0", b"VP8X\x0a\0\0\0\0\0\0\0\xff\x3f\0\xff\x3f\0"):
        yield (
            f"webp that claims 16,384 pixels a side: {kind[:4]!r}",
            b"RIFF" + struct.pack("<I", len(kind) + 4) + b"WEBP" + kind,
        )
    webp = pictures.encoded(pictures.picture((520, 320)), "WEBP")
    yield (
        "webp smaller in its canvas than in its frame",
        webp.replace(b"VP8 ", b"VP8X\x0a\0\0\0\0\0\0\0\x07\x02\0\x3f\x01\0VP8 "),
    )
    for side in (8_000, 2**31 - 1):
        at = HEIC.index(b"ispe") + 8
        yield f"heic that claims {side} pixels a side", HEIC[:at] + struct.pack(">II", side, side) + HEIC[at + 8 :]
    yield (
        "heic of boxes in boxes",
        b"\0\0\0\x18ftypheic\0\0\0\0mif1heic"
        + b"".join(struct.pack(">I4s", 8 * (1000 - depth), b"ipco") for depth in range(1000)),
    )
    yield "heic of a million boxes", b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + b"\0\0\0\x08free" * 1_000_000
    yield "a ten thousandfold mpo", pictures.encoded(pictures.picture((520, 320)), quality=1) * 900
    frames = [Image.new("P", (480, 320), index % 256) for index in range(300)]
    for kind in ("GIF", "PNG", "WEBP"):
        yield f"animated {kind}", pictures.encoded(frames[0], kind, save_all=True, append_images=frames[1:])


def _polyglots(honest):
    tails = {
        "a script": b"<script>alert(1)</script>",
        "php": b"<?php system($_GET['c']); ?>",
        "a zip": b"PK\x03\x04" + bytes(100) + b"PK\x05\x06" + bytes(18),
        "a pdf": b"%PDF-1.7\n1 0 obj<</Type/Catalog>>endobj\n%%EOF",
    }
    for name, content in honest.items():
        for tail_name, tail in tails.items():
            yield f"{name} and {tail_name} behind", content + tail
            yield f"{name} behind {tail_name}", tail + content
    for tail_name, tail in tails.items():
        comment = PngImagePlugin.PngInfo()
        comment.add_text("Comment", tail.decode("latin-1"))
        yield f"png with {tail_name} inside", pictures.encoded(pictures.picture((520, 320)), "PNG", pnginfo=comment)
        yield f"jpeg with {tail_name} inside", pictures.encoded(pictures.picture((520, 320)), comment=tail)


def _other_formats():
    Image.init()
    for kind in sorted(Image.SAVE):
        for mode in ("RGB", "L", "1", "RGBA", "P"):
            out = BytesIO()
            try:
                pictures.picture((520, 320)).convert(mode).save(out, kind)
            except Exception:  # noqa: S112 — a mode that this format doesn't have
                continue
            yield f"{kind} in {mode}", out.getvalue()
            break
    yield from {
        "svg": b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)' width='900' height='600'/>",
        "html": b"<!doctype html><script>alert(1)</script>",
        "eps that never ends": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 999 999\n{} loop",
        "pdf": b"%PDF-1.7\n" + bytes(100),
        "zip": b"PK\x03\x04" + bytes(100),
        "executable": b"\x7fELF" + bytes(100),
        "avif": b"\0\0\0\x1cftypavif\0\0\0\0avifmif1miaf" + bytes(100),
        "video": b"\0\0\0\x18ftypisom\0\0\0\0isommp42" + bytes(100),
        "one byte": b"\xff",
        "nothing": b"",
        "zeros": bytes(100_000),
    }.items()
