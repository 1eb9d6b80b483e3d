import base64
import binascii
import re
from datetime import UTC
from io import BytesIO

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from patients import validators
from patients.models import Message, Patient
from patients.photos import cleaning, refusals

NOT_TEXT = _("This must be text")
NOT_TRUE_OR_FALSE = _("This must be true or false")
REPEATED_FIELD = _("This field must be sent once")
NOT_A_KIND = _("document_kind must be one of the kinds in the documentation, or empty")
NOT_BASE64 = _("document_photo must be the photo's bytes in base64, or a data: URL of them")
UNKNOWN_FIELD = _("There is no field of this name")
READ_ONLY_FIELD = _("This field cannot be set")
NAME_SHOWN = 100  # characters of an unknown field's name that an error repeats
_DATA_URL = re.compile(r"data:image/[a-z0-9.+-]{1,40};base64,")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")  # RFC 3339's full-date; Python's own reader takes more


class RuledField(serializers.CharField):
    """Text under the rule of the model's field of the same name; at most `most` characters as it is sent."""

    default_error_messages = {"invalid": NOT_TEXT, "null": NOT_TEXT}

    def __init__(self, most, **kwargs):
        self.most = most
        super().__init__(**kwargs)

    def bind(self, field_name, parent):
        super().bind(field_name, parent)
        self.model_field = Patient._meta.get_field(field_name)
        self.help_text = self.model_field.help_text
        if self.model_field.missing:
            self.error_messages["required"] = self.error_messages["null"] = self.model_field.missing

    def run_validation(self, data=serializers.empty):
        is_empty, data = self.validate_empty_values(data)
        if is_empty:
            return data
        if not isinstance(data, str):
            self.fail("invalid")
        if len(data) > self.most:
            raise serializers.ValidationError(self.model_field.too_long, "too_long")
        return data if data == "" and self.model_field.blank else self.model_field.clean(data, None)


class FlagField(serializers.BooleanField):
    """true or false: in JSON nothing else, in multipart/form-data as text."""

    default_error_messages = {"invalid": NOT_TRUE_OR_FALSE, "null": NOT_TRUE_OR_FALSE}
    default_empty_html = serializers.empty  # what a form leaves out is left out, not false

    def to_internal_value(self, data):
        is_form = hasattr(self.parent.initial_data, "getlist")
        if not isinstance(data, str if is_form else bool):
            self.fail("invalid", input=data)
        return super().to_internal_value(data)


class BirthDateField(serializers.DateField):
    default_error_messages = {"invalid": validators.BIRTH_FORMAT}

    def to_internal_value(self, data):
        if not (isinstance(data, str) and _DATE.fullmatch(data)):
            self.fail("invalid", format="YYYY-MM-DD")
        return validators.date_of_birth(super().to_internal_value(data))


class DocumentPhotoField(serializers.Field):
    """In: a file part, or base64 (RFC 4648, section 4) with or without a data: URL around it. Out: its URL."""

    default_error_messages = {"required": refusals.PHOTO_MISSING, "null": refusals.PHOTO_MISSING}

    def to_internal_value(self, data):
        if isinstance(data, UploadedFile):
            return cleaning.clean(data)
        if not isinstance(data, str):
            raise serializers.ValidationError(NOT_BASE64, "invalid")
        text = data[match.end() :] if (match := _DATA_URL.match(data)) else data
        file = BytesIO()
        file.size = len(text) * 3 // 4 - text[-2:].count("=")
        if file.size <= settings.MAX_PHOTO_BYTES:
            try:
                file.write(base64.b64decode(text, validate=True))
            except (binascii.Error, ValueError):
                raise serializers.ValidationError(NOT_BASE64, "invalid") from None
        return cleaning.clean(file)

    def to_representation(self, patient_photo):
        if not patient_photo:
            return None  # its time was over
        number = patient_photo.instance.display_number
        return settings.SITE_URL + reverse("api:document-photo", args=[number])


class ConfirmationSerializer(serializers.ModelSerializer):
    sent_at = serializers.DateTimeField(default_timezone=UTC, allow_null=True, read_only=True)

    class Meta:
        model = Message
        fields = ["channel", "status", "attempts", "sent_at"]
        read_only_fields = fields


class MessageSerializer(ConfirmationSerializer):
    last_attempt_at = serializers.DateTimeField(default_timezone=UTC, allow_null=True, read_only=True)
    next_attempt_at = serializers.DateTimeField(default_timezone=UTC, allow_null=True, read_only=True)
    failure = serializers.CharField(source="failure_sentence", read_only=True)

    class Meta:
        model = Message
        fields = [
            *ConfirmationSerializer.Meta.fields,
            "last_attempt_at",
            "next_attempt_at",
            "failure",
            "possible_duplicate",
        ]
        read_only_fields = fields


class PatientSerializer(serializers.ModelSerializer):
    number = serializers.CharField(source="display_number", read_only=True)
    full_name = RuledField(validators.NAME_LENGTH)
    email = RuledField(validators.EMAIL_LENGTH)
    shared_email = FlagField(required=False)
    phone = RuledField(validators.PHONE_TYPED_LENGTH)
    address = RuledField(validators.ADDRESS_LENGTH, required=False, allow_blank=True)
    date_of_birth = BirthDateField(required=False, allow_null=True)
    document_kind = serializers.ChoiceField(
        [(kind.value, kind.label) for kind in Patient.DocumentKind],
        required=False,
        allow_blank=True,
        error_messages={"invalid_choice": NOT_A_KIND},
    )
    document_photo = DocumentPhotoField()
    registered_at = serializers.DateTimeField(default_timezone=UTC, read_only=True)
    confirmation = ConfirmationSerializer(read_only=True)

    class Meta:
        model = Patient
        fields = [
            "number",
            "full_name",
            "email",
            "shared_email",
            "phone",
            "address",
            "date_of_birth",
            "document_kind",
            "document_photo",
            "registered_at",
            "confirmation",
        ]

    def to_internal_value(self, data):
        errors = dict(self._errors_of_names(data))
        try:
            values = super().to_internal_value(data)
        except serializers.ValidationError as error:
            raise serializers.ValidationError(error.detail | errors) from None
        if errors:
            raise serializers.ValidationError(errors)
        return values

    def _errors_of_names(self, data):
        """Yield an error for each field that is unknown, read-only or, in a multipart body, there twice."""
        writable = {field.field_name for field in self._writable_fields}
        for name in data:
            if name not in self.fields:
                yield name[:NAME_SHOWN], [serializers.ErrorDetail(UNKNOWN_FIELD, "unknown")]
            elif name not in writable:
                yield name, [serializers.ErrorDetail(READ_ONLY_FIELD, "read_only")]
            elif hasattr(data, "getlist") and len(data.getlist(name)) > 1:
                yield name, [serializers.ErrorDetail(REPEATED_FIELD, "repeated")]

    def to_representation(self, patient):
        answer = super().to_representation(patient)
        if not patient.document_kind:  # which most systems never set
            del answer["document_kind"]
        return answer

    def update(self, patient, values):
        shared_email, version = values.pop("shared_email", None), values.pop("version")
        for name, value in values.items():
            setattr(patient, name, value)
        patient.correct(values, by=self.context["request"].user, shared_email=shared_email, version=version)
        return patient


class RegistrationSerializer(PatientSerializer):
    """Answers as of the moment of the registration, even if the worker has taken up the confirmation by now."""

    def create(self, values):
        shared_email, submission = values.pop("shared_email", False), values.pop("submission", None)
        patient = Patient(**values)
        patient.register(
            by=self.context["request"].user,
            source=Patient.Source.API,
            shared_email=shared_email,
            submission=submission,
        )
        return patient

    def to_representation(self, patient):
        queued = ConfirmationSerializer(Message(channel="email")).data
        return super().to_representation(patient) | {"confirmation": queued}


class KnownPhotoField(DocumentPhotoField):
    def to_internal_value(self, data):
        return None  # its hash was compared; decoding it again would tell nothing new


class RepeatedSerializer(RegistrationSerializer):
    """A registration that is sent once more: `save(patient=…)` makes the first answer again.

    It is made of the same data as the first time, because the record may have been corrected since.
    """

    document_photo = KnownPhotoField()

    def create(self, values):
        patient, shared_email = values.pop("patient"), values.pop("shared_email", False)
        first = Patient(pk=patient.pk, number=patient.number, registered_at=patient.registered_at)
        for name, value in (values | {"document_photo": patient.document_photo.name}).items():
            setattr(first, name, value)
        first.email_key = None if shared_email else validators.email_key(first.email)
        return first
