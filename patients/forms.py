import re
from contextlib import suppress
from decimal import Decimal

import phonenumbers
from django import forms
from django.conf import settings
from django.urls import reverse
from django.utils.formats import number_format
from django.utils.html import format_html
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from patients import numbers, validators
from patients.fields import Turn
from patients.models import Patient, PhotoDraft, Resemblance
from patients.photos import refusals, storage
from patients.photos.cleaning import SafePhoto
from patients.photos.encryption import Unreadable

_PHONE = re.compile(r"[\d\s()+./-]+")
NO_ROOM = _("There is no room to save the photo. Tell the person who looks after this service that its disk is full")
PHONE_HINT = _("Like %(national)s, or with the country code, like +1 202 555 0123")
PHOTO_KEPT = _("Photo kept: {name}, {size}. Choose a different photo if it is the wrong one")
MAY_BE_KNOWN = _("This person may be registered already. Open the record below, or say that it is a different person")


def entered_as(text):
    """Return {name of a field: text}: as what the text, for which nobody was found, belongs in the form."""
    text = text.strip()[: validators.EMAIL_LENGTH]
    if "@" in text:
        return {"email": text}
    if _PHONE.fullmatch(text):
        return {"phone": text}
    is_number = numbers.is_like(text) and any(character.isdigit() for character in text)
    return {} if is_number else {"full_name": text}


def _phone_hint():
    region = settings.PHONE_DEFAULT_REGION
    mobile = phonenumbers.example_number_for_type(region, phonenumbers.PhoneNumberType.MOBILE)
    example = mobile or phonenumbers.example_number(region)
    national = phonenumbers.format_number(example, phonenumbers.PhoneNumberFormat.NATIONAL)
    return PHONE_HINT % {"national": national}


class PatientForm(forms.ModelForm):
    """A patient as staff enter and correct it, on the desk's pages and in admin.

    A good photo survives the errors of other fields: it is kept as a draft of `user`, named by the hidden field
    kept_photo. A bad one never costs the kept one.
    """

    submission = None  # set when the form can be told from a second one
    has_no_room = False  # set when saving has found the disk full and the form is shown again
    use_required_attribute = False  # errors come after submitting, in our words, beside their fields

    shared_email = forms.BooleanField(label=_("They share this address"), required=False)
    kept_photo = forms.CharField(required=False, widget=forms.HiddenInput)

    class Meta:
        model = Patient
        fields = Patient.ENTERED
        widgets = {
            "full_name": forms.TextInput(attrs={"dir": "auto", "spellcheck": "false"}),
            "address": forms.Textarea(attrs={"rows": 3, "dir": "auto"}),
            "date_of_birth": forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}),
        }

    def __init__(self, *args, user, **kwargs):
        super().__init__(*args, label_suffix="", **kwargs)
        if "phone" in self.fields:  # whoever may only read, in admin, has a form without fields
            self.fields["phone"].help_text = _phone_hint()
        self.user, self.taken_by, self.draft, self.kept = user, None, None, None
        if self.instance.pk:
            self.initial.setdefault("shared_email", self.instance.shared_email)
        if self.instance.photo_deleted_at and "document_photo" in self.fields:
            self.fields["document_photo"].required = False
        if self.is_bound:
            self._take_up_draft()
        elif not self.instance.pk:
            self.fields["full_name"].widget.attrs["autofocus"] = True

    def _take_up_draft(self):
        self.draft, self.kept = PhotoDraft.find(self.data.get(self.add_prefix("kept_photo"), ""), by=self.user)
        if self.draft:
            try:
                # What a file field takes when nothing was uploaded.
                photo = self.initial["document_photo"] = self.draft.load()
                photo.hard_to_read = self.kept.pop("hard_to_read")
            except (FileNotFoundError, Unreadable):  # expired, or used by a second click, a moment ago
                self.draft = None
            else:
                self._say_kept(photo, **self.kept)

    def _post_clean(self):
        super()._post_clean()
        # The unique key decides when the record is saved; asked already here, so that all errors come at once.
        if "email" not in self.errors and not self.cleaned_data.get("shared_email"):
            others = Patient.objects.having_email(self.instance.email).exclude(pk=self.instance.pk)
            if self.submission:  # whose twin may have registered this patient a moment ago
                others = others.exclude(submissions__in=self.submission.twins())
            if taken_by := others.first():
                self.refuse_taken_email(taken_by)
        if self.has_no_room:
            self.refuse_for_want_of_room()
        if self.errors:
            self.keep_photo()

    @property
    def changed_fields(self):
        """The names of the patient's fields that were changed, for Patient.correct()."""
        changed = {name for name in self.changed_data if name in Patient.CORRECTABLE} - {"document_photo"}
        return changed | {"document_photo"} if self.instance.document_photo.is_new else changed

    @property
    def used_draft(self):
        """The draft whose photo the patient gets, if no other was chosen."""
        return None if self.files.get(self.add_prefix("document_photo")) else self.draft

    @property
    def changed_sharing(self):
        """Whether the address is shared, if that was changed, for Patient.correct()."""
        return self.cleaned_data["shared_email"] if "shared_email" in self.changed_data else None

    def refuse_taken_email(self, taken_by):
        """Put the error beside the address; `taken_by` is the patient who has it."""
        self.taken_by = taken_by
        self.add_error("email", forms.ValidationError(validators.EMAIL_TAKEN, "taken"))

    def refuse_used_photo(self):
        """Say that the kept photo, which has become another patient's meanwhile, must be chosen again."""
        self.draft = self.fields["document_photo"].widget.shown = None
        self["document_photo"].help_text = ""
        self.add_error("document_photo", forms.ValidationError(refusals.PHOTO_MISSING, "required"))

    def refuse_for_want_of_room(self):
        """Say that the disk is full."""
        self.add_error(None, forms.ValidationError(NO_ROOM, "no_room"))

    def keep_photo(self):
        """Keep a newly uploaded, good photo while the form has errors, or how far the one that is there was turned."""
        photo, typed = self.cleaned_data.get("document_photo"), self["document_photo"].data
        if isinstance(typed, Turn) and not self.draft:  # the record's: who may see it sees it at its own address
            self.fields["document_photo"].widget.turns = typed
            return
        if not isinstance(photo, SafePhoto) or photo is self.initial.get("document_photo"):
            return
        if upload := self.files.get(self.add_prefix("document_photo")):
            self.kept = {"name": upload.name, "size": upload.size}
        try:
            token = PhotoDraft.keep(photo, by=self.user, **self.kept)
        except OSError as error:
            if not storage.is_no_space(error):
                raise
            return  # a comfort, done without while the disk is full
        self.forget_draft()
        self.data = self.data.copy()
        self.data[self.add_prefix("kept_photo")] = token
        self._say_kept(photo, **self.kept)

    def forget_draft(self):
        """Drop the kept photo: another took its place, or the patient has it now."""
        if self.draft:
            self.draft.drop()
            self.draft = None

    def _say_kept(self, photo, name, size):
        self.fields["document_photo"].widget.show(photo)
        # Escaped here, because admin's template trusts a help text, and the name is the sender's.
        self["document_photo"].help_text = format_html(PHOTO_KEPT, name=name, size=_size(size))


def _size(size):
    """Return a size in bytes as photo.js writes it, in the units of the limit."""
    number, unit = (size / 1e3, "kB") if size < 1e6 else (size / 1e6, "MB")
    return f"{number_format(Decimal(f'{number:.1f}'.removesuffix('.0')))} {unit}"


class DeskForm(PatientForm):
    """The desk's form: asks about patients who are likely to be the same person, if `user` may see them.

    Whoever is ticked in `apart_from` (patient numbers), or shares the address as ticked, is a different person. Only
    its page can ask, and says so in the field `asks`: what a program sends is registered, and the record shows whom
    it resembles, as it does where not enough speaks for the same person to ask.
    """

    class Meta(PatientForm.Meta):
        fields = [*Patient.ENTERED, "language"]

    #: What makes a person known to be somebody; a correction of something else asks nothing.
    IDENTIFYING = {"full_name", "email", "phone", "date_of_birth", "document_photo"}
    resemblances = ()
    sent_before = None  # whom the form has registered before something else was entered in it
    may_be_known = MAY_BE_KNOWN

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        language = self.fields["language"]
        language.required, language.choices = False, settings.LANGUAGES
        if not self.instance.language:
            self.initial["language"] = get_language()
        if self.instance.document_photo and not self.draft and self.user.has_perm("patients.view_document_photo"):
            address = reverse("patients:photo", args=[self.instance.display_number], query={"size": "thumbnail"})
            self.fields["document_photo"].widget.shown = address

    def clean_language(self):
        return self.cleaned_data["language"] or self.instance.language

    @property
    def apart_from(self):
        """The patients of whom the form says that they are different people."""
        return [resemblance.patient for resemblance in self.resemblances if self._is_apart(resemblance.patient)]

    @property
    def ticked(self):
        return {numbers.normalize(typed) for typed in self.data.getlist("apart_from")}

    def _is_apart(self, patient):
        shares = self.cleaned_data.get("shared_email") and "email" not in self.errors
        key = validators.email_key
        return patient.number in self.ticked or (shares and key(patient.email) == key(self.instance.email))

    def _post_clean(self):
        super()._post_clean()
        if "asks" not in self.data or not self.user.has_perm("patients.view_patient"):
            return
        if self.instance.pk and not self.IDENTIFYING & self.changed_fields:
            return
        if photo := self.cleaned_data.get("document_photo"):
            self.instance.photo_fingerprint = getattr(photo, "fingerprint", self.instance.photo_fingerprint)
        asked_already = {self.taken_by.pk} if self.taken_by else set()
        if self.submission:
            asked_already.update(self.submission.twins().values_list("patient", flat=True))
        self.resemblances = Resemblance.of(self.instance, apart=asked_already)
        if any(resemblance.is_likely for resemblance in self.resemblances if not self._is_apart(resemblance.patient)):
            had_errors = bool(self.errors)
            self.add_error(None, forms.ValidationError(MAY_BE_KNOWN, "may_be_known"))
            if not had_errors:
                self.keep_photo()


def as_typed(patient, typed):
    """Give a patient, who is not to be saved, as much of what was typed (a QueryDict) as keeps the rules."""
    for name in ("full_name", "email", "phone", "date_of_birth"):
        with suppress(forms.ValidationError):
            setattr(patient, name, Patient._meta.get_field(name).clean(typed.get(name, ""), patient))
    return patient
