"""What a file claims to be, found by walking its container; nothing is decoded, so nothing can explode.

Every function takes the whole file's bytes. The limits are those within which decoding was measured to cost less than
300 MB and 3 s.
"""

import re
import struct
from itertools import islice
from typing import NamedTuple

LONG_SIDE_LEAST, SHORT_SIDE_LEAST, ASPECT_MOST = 480, 240, 6  # pixels, pixels, long side over short side
MEGAPIXELS_MOST = {"JPEG": 64, "PNG": 25, "WEBP": 15, "HEIC": 36}
SCANS_MOST, SCANS_TIMES_MEGAPIXELS_MOST = 30, 400  # a progressive JPEG is decoded once per scan
COEFFICIENTS_MOST = 110_000_000  # of two bytes, all of which are kept when there are several scans
ZEROS_MOST = 8192  # bytes, which compressed pictures don't have in a row, and files whose end was never written do
PNG_CHUNK_MOST, PNG_TEXT_MOST = 1_000_000, 64_000  # bytes

HEAVY_HEIC_MEGAPIXELS_MOST = 18  # with an alpha channel or more colour than 4:2:0, twice the memory
# More of them than any camera writes only cost time.
JPEG_FILL_MOST, JPEG_SEGMENTS_MOST, PNG_CHUNKS_MOST, HEIF_BOXES_MOST = 64, 2_000, 20_000, 20_000

_HEIF_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"mif1"}
_HEIF_SEQUENCES = {b"hevc", b"hevx", b"msf1", b"avis", b"avif"}
_HEIF_DEPTH_MOST = 6
_HEIF_CONTAINERS = {b"meta": 4, b"iprp": 0, b"ipco": 0}  # and how many bytes stand before the boxes in them
# A marker in entropy-coded data: FF followed by neither 00 (a stuffed FF), a restart, nor another FF.
_JPEG_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]", re.DOTALL)
_JPEG_FRAMES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}


class Refused(Exception):
    """The file is not a picture to decode; `code` is one of refusals.SENTENCES."""

    def __init__(self, code):
        super().__init__(code)
        self.code = code


class Picture(NamedTuple):
    format: str
    width: int
    height: int


def inspect(data):
    """Return the Picture that the bytes claim to be; raise Refused when it isn't one that may be decoded."""
    try:
        picture = _walk(data)
    except (struct.error, IndexError):
        raise Refused("damaged") from None
    long_side, short_side = max(picture.width, picture.height), min(picture.width, picture.height)
    if long_side < LONG_SIDE_LEAST or short_side < SHORT_SIDE_LEAST:
        raise Refused("too_small")
    if long_side * short_side > MEGAPIXELS_MOST[picture.format] * 1_000_000:
        raise Refused("too_many_pixels")
    if long_side > ASPECT_MOST * short_side:
        raise Refused("too_narrow")
    return picture


def _walk(data):
    if data.startswith(b"\xff\xd8\xff"):
        return _jpeg(data)
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return _png(data)
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return _webp(data)
    if data[4:8] == b"ftyp":
        return _heif(data)
    raise Refused("pdf" if data.startswith(b"%PDF") else "type")


def _jpeg(data):
    """ITU-T T.81, annex B: segments up to EOI. What follows EOI (an MPO's other pictures) is not looked at."""
    at, frame = 2, None
    for _segment in range(JPEG_SEGMENTS_MOST):
        fill = len(data[at : at + JPEG_FILL_MOST + 1]) - len(data[at : at + JPEG_FILL_MOST + 1].lstrip(b"\xff"))
        if not 1 <= fill <= JPEG_FILL_MOST:
            raise Refused("damaged")
        at += fill - 1
        marker = data[at + 1]
        if marker == 0xD9:
            break
        if marker == 0x01 or 0xD0 <= marker <= 0xD7:
            at += 2
            continue
        (length,) = struct.unpack_from(">H", data, at + 2)
        if length < 2 or marker in _JPEG_FRAMES and (frame or marker > 0xC2) or marker == 0xDA and not frame:
            raise Refused("damaged")
        if marker in _JPEG_FRAMES:
            frame = _JpegFrame(data, at + 4, is_progressive=marker == 0xC2)
        if marker == 0xDA:
            frame.add_scan(data, at + 4)
            found = _JPEG_MARKER.search(data, at + 2 + length)
            if not found:
                raise Refused("damaged")
            at = found.start()
        else:
            at += 2 + length
    else:
        raise Refused("damaged")
    if not frame or any(frame.missing.values()):  # a cut between two scans shows in no other way
        raise Refused("damaged")
    if frame.scans > SCANS_MOST or frame.scans * frame.width * frame.height > SCANS_TIMES_MEGAPIXELS_MOST * 1_000_000:
        raise Refused("too_many_pixels")
    if frame.scans > 1 and frame.samples > COEFFICIENTS_MOST:
        raise Refused("too_many_pixels")
    return Picture("JPEG", frame.width, frame.height)


class _JpegFrame:
    """A JPEG's frame, and which coefficients of its components no scan has brought yet (ITU-T T.81, B.2 and G.1)."""

    def __init__(self, data, at, *, is_progressive):
        precision, self.height, self.width, components = struct.unpack_from(">BHHB", data, at)
        sampling = {data[n]: divmod(data[n + 1], 16) for n in range(at + 6, at + 6 + 3 * components, 3)}
        shares = [across * down for across, down in sampling.values()]
        if precision != 8 or components not in (1, 3, 4) or not all(shares):
            raise Refused("damaged")
        self.samples = sum(self.width * self.height * share // max(shares) for share in shares)
        self.scans, self.is_progressive = 0, is_progressive
        self.missing = {component: set(range(64)) for component in sampling}

    def add_scan(self, data, at):
        components = data[at + 1 : at + 1 + 2 * data[at] : 2]
        first, last, approximation = struct.unpack_from(">BBB", data, at + 1 + 2 * data[at])
        for component in components:
            if component not in self.missing:
                raise Refused("damaged")
            if not self.is_progressive:
                self.missing[component].clear()
            elif approximation & 15 == 0:  # to the last bit
                self.missing[component] -= set(range(first, last + 1))
        self.scans += 1


def _png(data):
    """PNG (W3C), section 5: chunks from IHDR to IEND."""
    at, size = 8, None
    for _chunk in range(PNG_CHUNKS_MOST):
        length, kind = struct.unpack_from(">I4s", data, at)
        if at + 12 + length > len(data):
            raise Refused("damaged")
        if (size is None) != (kind == b"IHDR"):
            raise Refused("damaged")
        if kind == b"IHDR":
            size = struct.unpack_from(">II", data, at + 8)
        if kind in (b"acTL", b"fcTL", b"fdAT"):
            raise Refused("animated")
        is_ancillary = bool(kind[0] & 0x20)
        most = PNG_TEXT_MOST if kind in (b"tEXt", b"zTXt", b"iTXt") else PNG_CHUNK_MOST
        if is_ancillary and length > most:
            raise Refused("damaged")
        if kind == b"IEND":
            return Picture("PNG", *size)
        at += 12 + length
    raise Refused("damaged")


def _webp(data):
    """The WebP container (RFC 9649, section 2): chunks that fill the RIFF."""
    (riff,) = struct.unpack_from("<I", data, 4)
    if riff + 8 > len(data):
        raise Refused("damaged")
    at, size = 12, None
    while at < riff + 8:
        kind, length = struct.unpack_from("<4sI", data, at)
        if at + 8 + length > riff + 8:
            raise Refused("damaged")
        if kind in (b"ANIM", b"ANMF"):
            raise Refused("animated")
        if kind == b"VP8 " and data.find(bytes(ZEROS_MOST), at, at + 8 + length) >= 0:
            raise Refused("damaged")
        found = _webp_size(kind, data[at + 8 : at + 18])
        if found and size and found[0] * found[1] > size[0] * size[1]:
            raise Refused("damaged")  # a picture larger than its canvas
        size = size or found
        at += 8 + length + length % 2
    if not size:
        raise Refused("damaged")
    return Picture("WEBP", *size)


def _webp_size(kind, head):
    if kind == b"VP8X":
        return int.from_bytes(head[4:7], "little") + 1, int.from_bytes(head[7:10], "little") + 1
    if kind == b"VP8L":
        bits = int.from_bytes(head[1:5], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if kind == b"VP8 ":
        width, height = struct.unpack_from("<HH", head, 6)
        return width & 0x3FFF, height & 0x3FFF
    return None


def _heif(data):
    """ISO/IEC 23008-12: boxes that fill the file; the size is the largest `ispe` of its items."""
    (length,) = struct.unpack_from(">I", data)
    if not 16 <= length <= 256:
        raise Refused("damaged")
    brands = {data[at : at + 4] for at in (8, *range(16, length, 4))}
    if data[8:12] in _HEIF_SEQUENCES or not brands & _HEIF_BRANDS:
        raise Refused("type")
    boxes = list(islice(_boxes(data, 0, len(data)), HEIF_BOXES_MOST + 1))
    sizes = [struct.unpack_from(">II", data, start + 4) for kind, start, _end in boxes if kind == b"ispe"]
    if not sizes or len(boxes) > HEIF_BOXES_MOST or bytes(ZEROS_MOST) in data:
        raise Refused("damaged")
    width, height = max(sizes, key=lambda size: size[0] * size[1])
    is_heavy = any(_is_heavy(kind, data[start:end]) for kind, start, end in boxes)
    if is_heavy and width * height > HEAVY_HEIC_MEGAPIXELS_MOST * 1_000_000:
        raise Refused("too_many_pixels")
    return Picture("HEIC", width, height)


def _is_heavy(kind, content):
    """Whether a property says that there is an alpha channel, or (ISO/IEC 14496-15, 8.3.2) more colour than 4:2:0."""
    if kind == b"hvcC":
        return content[16] & 3 > 1
    return kind == b"auxC" and (b"auxid:1" in content or b"auxiliary:alpha" in content)


def _boxes(data, at, end, depth=0):
    """Yield (kind, start, end) of the boxes' contents, those inside the containers that matter included."""
    if depth > _HEIF_DEPTH_MOST:
        raise Refused("damaged")
    while at < end:
        length, kind = struct.unpack_from(">I4s", data, at)
        start = at + 8
        if length == 1:
            (length,) = struct.unpack_from(">Q", data, start)
            start += 8
        elif length == 0:
            length = end - at
        if length < start - at or at + length > end:
            raise Refused("damaged")
        yield kind, start, at + length
        if kind in _HEIF_CONTAINERS:
            yield from _boxes(data, start + _HEIF_CONTAINERS[kind], at + length, depth + 1)
        at += length
