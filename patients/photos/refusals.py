"""Why a photo is refused: a code, and the sentence that tells a person what to do."""

from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.text import get_text_list
from django.utils.translation import gettext_lazy as _

PHOTO_MISSING = _("Select a photo of the identity document")
PHOTO_TYPE = _("The selected file must be a %(formats)s")
PHOTO_PDF = _("The selected file is a PDF – take a photo of the document instead")
PHOTO_HEIC = _('The selected file is an iPhone HEIC photo – choose "Take a photo", or save it as JPG')
PHOTO_ANIMATED = _("The selected file is an animation – choose a photo")
PHOTO_TOO_LARGE = _("The selected file must be smaller than %(megabytes)sMB")
PHOTO_EMPTY = _("The selected file is empty")
PHOTO_TOO_SMALL = _("The photo is too small to read – it must be at least 480 pixels on its shorter side")
PHOTO_TOO_NARROW = _("The photo is too narrow – it must show the whole document")
PHOTO_TOO_MANY_PIXELS = _("The photo has too many pixels – choose a lower resolution")
PHOTO_DAMAGED = _("The selected file could not be read – it may be damaged. Choose another photo")
PHOTO_UNREADABLE = _("The photo is too dark or too blurred to read – take it again in better light")
PHOTO_BUSY = _("The service is busy – try again in a moment")

SENTENCES = {
    "type": PHOTO_TYPE,
    "pdf": PHOTO_PDF,
    "heic": PHOTO_HEIC,
    "animated": PHOTO_ANIMATED,
    "too_large": PHOTO_TOO_LARGE,
    "empty": PHOTO_EMPTY,
    "too_small": PHOTO_TOO_SMALL,
    "too_narrow": PHOTO_TOO_NARROW,
    "too_many_pixels": PHOTO_TOO_MANY_PIXELS,
    "damaged": PHOTO_DAMAGED,
    "unreadable": PHOTO_UNREADABLE,
    "busy": PHOTO_BUSY,
}


def refusal(code):
    """Return the ValidationError for a code."""
    # Who must make another file of it is told of formats that everything can make.
    formats = [name for name in settings.PHOTO_FORMATS if name != "HEIC"] or settings.PHOTO_FORMATS
    values = {"megabytes": f"{settings.MAX_PHOTO_BYTES / 1_000_000:g}", "formats": named(formats)}
    return ValidationError(SENTENCES[code], code, values)


def named(formats):
    """Return formats as people call them: JPG, PNG or WebP."""
    names = {"JPEG": "JPG", "WEBP": "WebP"}
    return get_text_list([names.get(name, name) for name in formats])
