"""The rules of the domain as plain functions: text in, the value to store out, or ValidationError with its sentence.

Each is called by its model field (patients/fields.py) and so holds at every door.
"""

import re
import unicodedata
from datetime import date
from itertools import groupby

import idna
import phonenumbers
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import EmailValidator
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

NAME_MISSING = _("Enter the patient's full name")
NAME_TOO_LONG = _("Full name must be 200 characters or less")
NAME_CHARACTERS = _("Full name must not include invisible control characters, < or >")
NAME_MARKS = _("Full name must not have more than 8 accents or other marks on one letter")
NAME_WEB_ADDRESS = _("Full name must not be a web address")
NAME_PATTERN = _("Full name must have the form that this clinic uses")
EMAIL_MISSING = _("Enter an email address")
EMAIL_FORMAT = _("Enter an email address in the correct format, like name@example.com")
EMAIL_ACCENTS = _("Email address must only include letters without accents before the @")
EMAIL_DOMAIN = _("Email address must end in one of: %(domains)s")
EMAIL_TAKEN = _("A patient with this email address is already registered")
PHONE_MISSING = _("Enter a phone number")
PHONE_FORMAT = _("Enter a phone number in the correct format, like +1 202 555 0123")
ADDRESS_TOO_LONG = _("Address must be 500 characters or less")
ADDRESS_CHARACTERS = _("Address must not include invisible control characters")
ADDRESS_MARKS = _("Address must not have more than 8 accents or other marks on one letter")
BIRTH_FORMAT = _("Date of birth must be a real date")
BIRTH_FUTURE = _("Date of birth must be in the past")
BIRTH_EARLY = _("Date of birth must be in 1900 or later")

NAME_LENGTH = 200
EMAIL_LENGTH = 254  # RFC 5321, section 4.5.3.1.3, less the brackets
EMAIL_LOCAL_LENGTH = 64  # RFC 5321, section 4.5.3.1.1
PHONE_LENGTH = 16  # E.164: up to fifteen digits, and the plus; libphonenumber takes longer ones of some countries
PHONE_TYPED_LENGTH = 64  # with every space, dot and bracket that people put between fifteen digits
ADDRESS_LENGTH = 500
MARKS_MOST = 8  # on one letter: more than any script has, and few enough to stay beside the line
BIRTH_EARLIEST = date(1900, 1, 1)

_BIDI_CONTROLS = {chr(code) for code in (*range(0x202A, 0x202F), *range(0x2066, 0x206A))}
_TAGS = {chr(code) for code in range(0xE0000, 0xE0080)}
_CONTROL_CATEGORIES = {"Cc", "Cs", "Zl", "Zp"}
# Pasted along with text from web pages and word processors; they carry no meaning in a name.
_DROPPED = dict.fromkeys([0x00AD, 0x200B, 0x2060, 0xFEFF])
_JOINERS = "\u200c\u200d"
# Letters and symbols by category, blank to the eye.
_BLANKS = set("\u115f\u1160\u2800\u3164\uffa0")
_WEB_ADDRESS = re.compile(
    r"://|\b(javascript|data|mailto|tel|file):|\bwww\.|\b[\w-]+\.[a-z]{2,}/|\b[\w-]{2,}\.(com|net|org|info|biz)\b",
    re.IGNORECASE,
)
_LETTER = re.compile(r"[^\W\d_]")
_syntax = EmailValidator(allowlist=[])


def full_name(value):
    """Return the name in NFC with single spaces: 1 to 200 characters of any script."""
    if _has_controls(value.strip()):
        raise ValidationError(NAME_CHARACTERS, "invalid")
    name = unicodedata.normalize("NFC", value.translate(_DROPPED))
    name = " ".join(name.split()).strip(f" {_JOINERS}")
    if not name:
        raise ValidationError(NAME_MISSING, "required")
    if "<" in name or ">" in name or not any(_is_visible(character) for character in name):
        raise ValidationError(NAME_CHARACTERS, "invalid")
    if len(name) > NAME_LENGTH:
        raise ValidationError(NAME_TOO_LONG, "too_long")
    if _has_pile(name):
        raise ValidationError(NAME_MARKS, "invalid")
    if _WEB_ADDRESS.search(name):
        raise ValidationError(NAME_WEB_ADDRESS, "invalid")
    if settings.NAME_PATTERN and not settings.NAME_PATTERN.fullmatch(name):
        raise ValidationError(NAME_PATTERN, "invalid")
    return name


def email(value):
    """Return the address as typed, its domain in lower case and IDNA (RFC 5891); syntax only, no DNS."""
    address = value.strip()
    if not address:
        raise ValidationError(EMAIL_MISSING, "required")
    local, at, domain = address.rpartition("@")
    if not at or _has_controls(address) or '"' in local:
        raise ValidationError(EMAIL_FORMAT, "invalid")
    if not local.isascii():
        raise ValidationError(EMAIL_ACCENTS, "invalid")
    try:
        domain = idna.encode(domain, uts46=True).decode("ascii")
        address = f"{local}@{domain}"
        _syntax(address)
    except (idna.IDNAError, ValidationError):
        raise ValidationError(EMAIL_FORMAT, "invalid") from None
    if len(address) > EMAIL_LENGTH or len(local) > EMAIL_LOCAL_LENGTH or domain.startswith("["):
        raise ValidationError(EMAIL_FORMAT, "invalid")
    if settings.EMAIL_ALLOWED_DOMAINS and domain not in settings.EMAIL_ALLOWED_DOMAINS:
        domains = ", ".join(settings.EMAIL_ALLOWED_DOMAINS)
        raise ValidationError(EMAIL_DOMAIN, "invalid", {"domains": domains})
    return address


def email_key(address):
    """Return what decides whether two valid addresses are the same, on every database alike."""
    return address.casefold()


def phone(value):
    """Return the number in E.164 (ITU-T): any spacing, with PHONE_DEFAULT_REGION when it has no country code."""
    if not value.strip():
        raise ValidationError(PHONE_MISSING, "required")
    # libphonenumber would read letters as the keys of a telephone and drop an extension.
    if _LETTER.search(value) or _has_controls(value.strip()):
        raise ValidationError(PHONE_FORMAT, "invalid")
    try:
        number = phonenumbers.parse(value, settings.PHONE_DEFAULT_REGION)
    except phonenumbers.NumberParseException:
        raise ValidationError(PHONE_FORMAT, "invalid") from None
    reason = phonenumbers.is_possible_number_with_reason(number)
    text = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    if number.extension or reason != phonenumbers.ValidationResult.IS_POSSIBLE or len(text) > PHONE_LENGTH:
        raise ValidationError(PHONE_FORMAT, "invalid")
    return text


def address(value):
    """Return the lines of an address in NFC without spaces at their ends: up to 500 characters."""
    lines = [" ".join(line.split()) for line in re.split(r"\r\n|\r|\n", value.strip().replace("\t", " "))]
    text = unicodedata.normalize("NFC", "\n".join(lines)).strip()
    if any(_has_controls(line) for line in re.split(r"[\r\n]", value.replace("\t", " "))):
        raise ValidationError(ADDRESS_CHARACTERS, "invalid")
    if len(text) > ADDRESS_LENGTH:
        raise ValidationError(ADDRESS_TOO_LONG, "too_long")
    if _has_pile(text):
        raise ValidationError(ADDRESS_MARKS, "invalid")
    return text


def date_of_birth(value):
    """Return the date when it lies between 1900 and today."""
    if value > timezone.localdate():
        raise ValidationError(BIRTH_FUTURE, "future")
    if value < BIRTH_EARLIEST:
        raise ValidationError(BIRTH_EARLY, "early")
    return value


def _has_controls(text):
    return any(
        unicodedata.category(character) in _CONTROL_CATEGORIES or character in _BIDI_CONTROLS or character in _TAGS
        for character in text
    )


def _has_pile(text):
    """Whether so many marks stand on one letter that they cover the lines above or below."""
    marks = (unicodedata.category(character) in ("Mn", "Me") for character in text)
    return any(is_mark and sum(1 for _ in run) > MARKS_MOST for is_mark, run in groupby(marks))


def _is_visible(character):
    return unicodedata.category(character)[0] not in "CZM" and character not in _BLANKS
