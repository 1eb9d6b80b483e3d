"""Model fields that carry their rule: `clean()` returns the value to store, at every door."""

import base64

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.utils.functional import lazy

from patients import validators
from patients.photos import cleaning, encryption, refusals, storage


class KeyField(models.CharField):
    """Text that is compared byte for byte on every database: their default collations disagree."""

    def db_parameters(self, connection):
        collation = "utf8mb4_bin" if connection.vendor == "mysql" else "BINARY"
        return super().db_parameters(connection) | {"collation": collation}


class BitsField(models.BigIntegerField):
    """Up to 63 bits; `has` finds the rows in which all those that are given are set."""


@BitsField.register_lookup
class Has(models.Lookup):
    lookup_name = "has"

    def as_sql(self, compiler, connection):
        column, column_params = self.process_lhs(compiler, connection)
        bits, bits_params = self.process_rhs(compiler, connection)
        return f"({column} & {bits}) = {bits}", [*column_params, *bits_params, *bits_params]


class RuledField(models.CharField):
    """Text whose `rule` (a function of patients/validators.py) normalises or refuses it."""

    rule = None
    missing = too_long = None
    #: How many characters may be typed: a rule looks at each of them.
    typed_most = 2_000

    def clean(self, value, model_instance):
        text = self.to_python(value)
        if len(text) > self.typed_most:
            raise ValidationError(self.too_long, "too_long")
        return type(self).rule(text)

    def formfield(self, **kwargs):
        field = super().formfield(**kwargs)
        field.strip = False
        # The model's rule speaks, with its own words, and sees the text as typed.
        field.validators = []
        field.max_length = None
        field.widget.attrs.pop("maxlength", None)
        if self.missing:
            field.error_messages["required"] = self.missing
        return field


class FullNameField(RuledField):
    rule = staticmethod(validators.full_name)
    missing, too_long = validators.NAME_MISSING, validators.NAME_TOO_LONG


class EmailField(RuledField):
    rule = staticmethod(validators.email)
    missing, too_long = validators.EMAIL_MISSING, validators.EMAIL_FORMAT

    def formfield(self, **kwargs):
        # An ordinary text input's value, but the keyboard of an address; type=email would rewrite what was typed.
        widget = forms.TextInput(attrs={"inputmode": "email", "spellcheck": "false"})
        return super().formfield(**{"widget": widget} | kwargs)


class PhoneField(RuledField):
    rule = staticmethod(validators.phone)
    missing, too_long = validators.PHONE_MISSING, validators.PHONE_FORMAT

    def formfield(self, **kwargs):
        widget = forms.TextInput(attrs={"inputmode": "tel", "spellcheck": "false"})
        return super().formfield(**{"widget": widget} | kwargs)


class AddressField(RuledField):
    rule = staticmethod(validators.address)
    too_long = validators.ADDRESS_TOO_LONG


class BirthDateField(models.DateField):
    default_error_messages = {
        "invalid": validators.BIRTH_FORMAT,
        "invalid_date": validators.BIRTH_FORMAT,
    }

    def clean(self, value, model_instance):
        value = super().clean(value, model_instance)
        return value and validators.date_of_birth(value)

    def formfield(self, **kwargs):
        return super().formfield(**{"error_messages": {"invalid": validators.BIRTH_FORMAT}} | kwargs)


_MEDIA_TYPES = {"JPEG": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp", "HEIC": "image/heic,image/heif"}


class Turn(int):
    """By how many quarters, clockwise, the photo that is there already is to be turned, since no other was chosen."""


class PhotoInput(forms.FileInput):
    """A file input that static/photo.js turns into more: preview, turning, camera, drag and drop.

    How far the photo was turned comes beside it, in quarters, clockwise.
    """

    template_name = "patients/photo_input.html"
    shown, turns = None, 0  # the address of the photo that is there already, and how far it was turned

    def show(self, photo):
        """Show a SafePhoto that is kept and has no address."""
        self.shown = f"data:image/jpeg;base64,{base64.b64encode(photo.thumbnail).decode()}"

    def value_from_datadict(self, data, files, name):
        upload = super().value_from_datadict(data, files, name)
        typed = data.get(f"{name}-turns")
        turns = int(typed) if typed in ("1", "2", "3") else 0
        if upload:
            upload.turns = turns
        return upload or (Turn(turns) if turns else None)

    def get_context(self, name, value, attrs):
        return super().get_context(name, value, attrs) | {
            "shown": self.shown,
            "turns": self.turns,
            "stored": self.shown and not self.shown.startswith("data:"),
            "limit": settings.MAX_PHOTO_BYTES,
            "sentences": {code: refusals.refusal(code).messages[0] for code in ("too_large", "type", "pdf")},
        }


class SafePhotoFormField(forms.ImageField):
    """An upload whose cleaned value is a SafePhoto: what it is decides its content, not its name or type."""

    default_validators = []
    default_error_messages = {
        "required": refusals.PHOTO_MISSING,
        "missing": refusals.PHOTO_MISSING,
        "invalid": refusals.PHOTO_MISSING,
        "empty": refusals.PHOTO_EMPTY,
    }

    def clean(self, data, initial=None):
        if not isinstance(data, Turn):
            return super().clean(data, initial)
        photo = initial.safe() if isinstance(initial, DocumentPhotoFile) else initial
        return cleaning.turned(photo, data) if photo else super().clean(None, None)

    def to_python(self, data):
        file = forms.FileField.to_python(self, data)
        return file and cleaning.clean(file, turns=getattr(file, "turns", 0))


class DocumentPhotoFile(models.fields.files.ImageFieldFile):
    @property
    def is_new(self):
        """Whether the file was assigned and not yet stored."""
        return bool(self) and not self._committed

    def safe(self):
        """Return the stored file as a SafePhoto, or None when it is gone or was changed."""
        try:
            return self and storage.load(self.name, self.instance.photo_fingerprint)
        except (FileNotFoundError, encryption.Unreadable):
            return None


class DocumentPhotoField(models.ImageField):
    attr_class = DocumentPhotoFile

    def formfield(self, **kwargs):
        accept = ",".join(_MEDIA_TYPES[name] for name in settings.PHOTO_FORMATS)
        return super().formfield(
            **{
                "form_class": SafePhotoFormField,
                "max_length": None,
                # Not the clearable one: a record always has its photo, and the photo no URL of its own.
                "widget": PhotoInput(attrs={"accept": accept}),
                "help_text": lazy(refusals.named, str)(settings.PHOTO_FORMATS),
            }
            | kwargs
        )
