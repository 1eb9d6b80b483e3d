"""Bytes in, safe picture out."""

import warnings
from io import BytesIO

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.files.base import ContentFile
from django.utils.translation import gettext_lazy as _
from PIL import Image, ImageOps, JpegImagePlugin, PngImagePlugin, WebPImagePlugin  # noqa: F401 — makes them known

PHOTO_MISSING = _("Select a photo of the identity document")
PHOTO_TYPE = _("The selected file must be a JPG, PNG or WebP")
PHOTO_PDF = _("The selected file is a PDF – take a photo of the document instead")
PHOTO_HEIC = _('The selected file is an iPhone HEIC photo – choose "Take a photo", or save it as JPG')
PHOTO_TOO_LARGE = _("The selected file must be smaller than %(megabytes)sMB")
PHOTO_EMPTY = _("The selected file is empty")
PHOTO_TOO_SMALL = _("The photo is too small to read – it must be at least 480 pixels on its shorter side")
PHOTO_TOO_MANY_PIXELS = _("The photo has too many pixels – choose a lower resolution")
PHOTO_DAMAGED = _("The selected file could not be read – it may be damaged. Choose another photo")

LONG_SIDE_LEAST, SHORT_SIDE_LEAST, ASPECT_MOST = 480, 240, 6  # pixels, pixels, long side over short side
LONG_SIDE_STORED, LONG_SIDE_THUMBNAIL = 2000, 480  # pixels
QUALITY = 88
# Megapixels at most, so that the worst file that is let in costs less than 300 MB and 3 s to decode. MPO is what many
# phone cameras write under .jpg: a JPEG with more pictures behind the first; Pillow opens it as JPEG.
_MEGAPIXELS = {"JPEG": 64, "MPO": 64, "PNG": 25, "WEBP": 15}
warnings.filterwarnings("error", category=Image.DecompressionBombWarning)
_HEIF_BRANDS = {b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1", b"avif"}


class SafePhoto(ContentFile):
    """A picture that this service made: JPEG, upright, sRGB or grey, no metadata; with its `thumbnail` (bytes)."""

    def __init__(self, picture, thumbnail):
        super().__init__(picture, name="photo.jpg")
        self.thumbnail = thumbnail


def clean(file):
    """Return the SafePhoto made of an uploaded file's picture.

    Raises ValidationError with one of the PHOTO_ sentences; nothing that a decoder raises gets further.
    """
    if file.size > settings.MAX_PHOTO_BYTES:
        megabytes = f"{settings.MAX_PHOTO_BYTES / 1_000_000:g}"
        raise ValidationError(PHOTO_TOO_LARGE, "too_large", {"megabytes": megabytes})
    if not file.size:
        raise ValidationError(PHOTO_EMPTY, "invalid")
    file.seek(0)
    _refuse_known_others(file.read(12))
    file.seek(0)
    try:
        return _decode(file)
    except ValidationError:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise ValidationError(PHOTO_TOO_MANY_PIXELS, "invalid") from None
    except Exception:  # decoders raise whatever they like
        raise ValidationError(PHOTO_DAMAGED, "invalid") from None


def _refuse_known_others(start):
    if start.startswith(b"%PDF"):
        raise ValidationError(PHOTO_PDF, "invalid")
    if start[4:8] == b"ftyp" and start[8:12] in _HEIF_BRANDS:
        raise ValidationError(PHOTO_HEIC, "invalid")
    is_picture = (
        start.startswith(b"\xff\xd8\xff")
        or start.startswith(b"\x89PNG\r\n\x1a\n")
        or (start.startswith(b"RIFF") and start[8:12] == b"WEBP")
    )
    if not is_picture:
        raise ValidationError(PHOTO_TYPE, "invalid")


def _decode(file):
    try:
        image = Image.open(file, formats=settings.PHOTO_FORMATS)
    except Image.UnidentifiedImageError:
        raise ValidationError(PHOTO_TYPE, "invalid") from None
    long_side, short_side = max(image.size), min(image.size)
    if long_side < LONG_SIDE_LEAST or short_side < SHORT_SIDE_LEAST:
        raise ValidationError(PHOTO_TOO_SMALL, "invalid")
    if image.width * image.height > _MEGAPIXELS[image.format] * 1_000_000:
        raise ValidationError(PHOTO_TOO_MANY_PIXELS, "invalid")
    if long_side > ASPECT_MOST * short_side or (image.format != "MPO" and getattr(image, "n_frames", 1) > 1):
        raise ValidationError(PHOTO_TYPE, "invalid")
    image.draft("RGB", (LONG_SIDE_STORED, LONG_SIDE_STORED))
    image.load()
    image = ImageOps.exif_transpose(image)
    picture = _without_extras(image)
    picture.thumbnail((LONG_SIDE_STORED, LONG_SIDE_STORED), Image.Resampling.LANCZOS, reducing_gap=3)
    encoded = _encode(picture)
    picture.thumbnail((LONG_SIDE_THUMBNAIL, LONG_SIDE_THUMBNAIL), Image.Resampling.LANCZOS)
    return SafePhoto(encoded, _encode(picture))


def _without_extras(image):
    """Return the pixels alone, on white where they were transparent: no metadata, comment or profile."""
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


def _encode(picture):
    out = BytesIO()
    picture.save(out, "JPEG", quality=QUALITY)
    return out.getvalue()
