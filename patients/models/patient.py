from zlib import crc32

import phonenumbers
from django.conf import settings
from django.db import IntegrityError, models
from django.db.models import F, Q
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext_lazy as _

from patients import fields, numbers, validators
from patients.messages import channels
from patients.models.audit import AuditEvent
from patients.models.endings import Endings
from patients.models.former_number import FormerNumber
from patients.models.known_apart import KnownApart
from patients.models.message import Message
from patients.models.patient_query import PatientQuerySet
from patients.models.search_key import SearchKey
from patients.models.submission import AlreadySubmitted
from patients.photos import storage
from patients.transactions import OutcomeUnknown, commit

INSERT_ATTEMPTS = 3


class EmailTaken(Exception):
    """Another patient, `patient`, has this email address and nobody said that they share it."""

    def __init__(self, patient):
        super().__init__()
        self.patient = patient


class ChangedMeanwhile(Exception):
    """The record is no longer the version that the change was made from."""


class Patient(Endings, models.Model):
    """A person registered with the clinic, with a photo of their identity document."""

    class Source(models.TextChoices):
        FORM = "form", _("form")
        API = "api", _("API")
        ADMIN = "admin", _("admin")

    class EmailState(models.TextChoices):
        UNCONFIRMED = "unconfirmed", _("not confirmed")
        CONFIRMED = "confirmed", _("confirmed")
        DISPUTED = "disputed", _("not theirs")

    class DocumentKind(models.TextChoices):
        IDENTITY_CARD = "identity_card", _("Identity card")
        PASSPORT = "passport", _("Passport")
        DRIVING_LICENCE = "driving_licence", _("Driving licence")
        RESIDENCE_PERMIT = "residence_permit", _("Residence permit")
        OTHER = "other", _("Another document")

        __empty__ = _("Not stated")

    #: What people enter; the rest follows from it.
    ENTERED = ("full_name", "email", "phone", "address", "date_of_birth", "document_kind", "document_photo")
    CORRECTABLE = (*ENTERED, "language")
    _OF_THE_PHOTO = ("photo_fingerprint", "document_seen_at", "document_seen_by", "photo_deleted_at")

    number = fields.KeyField(_("patient number"), max_length=numbers.LENGTH, unique=True, editable=False)
    full_name = fields.FullNameField(
        _("Full name"), max_length=validators.NAME_LENGTH, help_text=_("As on the identity document")
    )
    email = fields.EmailField(
        _("Email address"),
        max_length=validators.EMAIL_LENGTH,
        help_text=_("The confirmation is sent to this address"),
    )
    # Null for an address that the patient shares with another.
    email_key = fields.KeyField(max_length=validators.EMAIL_LENGTH, unique=True, null=True, editable=False)
    # What whoever has the address answered to the link in the mail.
    email_state = models.CharField(
        _("state of the address"),
        max_length=20,
        choices=EmailState,
        default=EmailState.UNCONFIRMED,
        editable=False,
    )
    phone = fields.PhoneField(
        _("Phone number"),
        max_length=validators.PHONE_LENGTH,
        help_text=_("With the country code, like +1 202 555 0123"),
    )
    address = fields.AddressField(_("Address"), max_length=validators.ADDRESS_LENGTH, blank=True)
    date_of_birth = fields.BirthDateField(_("Date of birth"), null=True, blank=True)
    document_kind = models.CharField(_("Kind of document"), max_length=20, choices=DocumentKind, blank=True)
    # Empty only once its time was over: see delete_photo().
    document_photo = fields.DocumentPhotoField(_("Photo of the identity document"), max_length=100, db_index=True)
    # Of the file as received, so that the same picture used for two people is noticed.
    photo_fingerprint = fields.KeyField(max_length=64, db_index=True, editable=False)
    # Who took the photo in, and when: what stays of it.
    document_seen_at = models.DateTimeField(_("document seen"), default=timezone.now, db_index=True, editable=False)
    document_seen_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        verbose_name=_("document seen by"),
        related_name="+",
        null=True,
        editable=False,
    )
    photo_deleted_at = models.DateTimeField(_("photo deleted"), null=True, editable=False)
    language = models.CharField(_("language of messages"), max_length=10, choices=settings.LANGUAGES)
    registered_at = models.DateTimeField(_("registered"), default=timezone.now, db_index=True, editable=False)
    # Staff who registered somebody can be deactivated, not deleted.
    registered_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        verbose_name=_("registered by"),
        related_name="+",
        null=True,
        editable=False,
    )
    source = models.CharField(_("registered through"), max_length=10, choices=Source, db_index=True, editable=False)
    version = models.PositiveIntegerField(default=1, editable=False)

    objects = PatientQuerySet.as_manager()

    class Meta:
        verbose_name, verbose_name_plural = _("patient"), _("patients")
        permissions = [
            ("view_document_photo", _("Can view the photo of the identity document")),
            ("export_patient", _("Can export patients")),
            ("merge_patient", _("Can merge two records of one person")),
        ]
        constraints = [
            models.CheckConstraint(condition=~Q(full_name=""), name="patient_has_name"),
            models.CheckConstraint(condition=~Q(email=""), name="patient_has_email"),
            models.CheckConstraint(condition=~Q(phone=""), name="patient_has_phone"),
            models.CheckConstraint(
                condition=~Q(document_photo="") | Q(photo_deleted_at__isnull=False), name="patient_has_document_photo"
            ),
        ]

    def __str__(self):
        # Ends in the admin's log, among other places: the number, never the name.
        return f"Patient {self.display_number}" if self.number else "Patient"

    def get_absolute_url(self):
        return reverse("patients:record", args=[self.display_number])

    @property
    def display_number(self):
        return numbers.display(self.number)

    @property
    def photo_version(self):
        """A few characters that are others when the photo is another; they tell nothing of it."""
        return f"{crc32(self.document_photo.name.encode()):x}"

    @property
    def display_phone(self):
        number = phonenumbers.parse(self.phone)
        return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.INTERNATIONAL)

    @property
    def shared_email(self):
        return self.email_key is None

    @property
    def confirmation(self):
        """The latest mail to the patient; prefetch `messages` for lists."""
        mails = [message for message in self.messages.all() if message.channel == "email"]
        return max(mails, key=lambda message: message.pk, default=None)

    @property
    def confirmation_label(self):
        """What people call the `confirmation_status` that with_confirmation_status() found."""
        return Message.Status(self.confirmation_status).label if self.confirmation_status else "–"

    def register(self, *, by, source, shared_email=False, submission=None, draft=None, apart_from=()):
        """Put a new patient, with a SafePhoto as document_photo, on disk together with the confirmation owed.

        When it returns, the photo, the record, the message, its job, the audit event and the submission (if one is
        given) are all durable. When it raises, none of them is, but for OutcomeUnknown (the connection broke during
        COMMIT), after which the photo stays for the sweeper to decide. Raises ValidationError for values against the
        rules, AlreadySubmitted or KeyReused for a submission that has registered somebody, PhotoUsed for the photo of
        a `draft` that has become a patient's, and EmailTaken for an address that another patient has, unless
        `shared_email`. `apart_from` are patients of whom it is known that they are other people.
        """
        self.registered_by, self.document_seen_by, self.source = by, by, source
        self.language = self.language or translation.get_language() or settings.LANGUAGE_CODE
        self.clean_fields(exclude={"document_photo", "number"})
        self.email_key = None if shared_email else validators.email_key(self.email)
        self._store_photo()
        try:
            self._insert(submission, draft, apart_from)
        except OutcomeUnknown:
            raise
        except BaseException:
            storage.discard(self.document_photo.name)
            raise

    def _insert(self, submission, draft, apart_from):
        def insert():
            self.pk, self._state.adding = None, True
            self.save(force_insert=True)
            if FormerNumber.objects.filter(number=self.number).exists():
                raise IntegrityError("The number leads to another record")
            if submission:
                submission.pk, submission.patient = None, self
                submission.save(force_insert=True)
            if draft:
                draft.use_up()
            SearchKey.write(self)
            for name in channels.enabled():
                Message.owe(self, name)
            told_apart = self._say_apart(apart_from, by=self.registered_by)
            AuditEvent.record(AuditEvent.Action.REGISTERED, by=self.registered_by, patient=self)
            self._note_apart(told_apart, by=self.registered_by)

        for attempt in range(1, INSERT_ATTEMPTS + 1):
            self.number = numbers.new()
            try:
                return commit(insert)
            except IntegrityError:
                # Which key was it? The database's text would tell, but differs, and repeats the address. First the
                # submission's, since its twin has the same address. If nobody has the address, it was the number, or
                # who had the address was erased at this moment.
                if submission and (earlier := submission.earlier_patient()):
                    raise AlreadySubmitted(earlier) from None
                self._refuse_taken_email()
                if attempt == INSERT_ATTEMPTS:
                    raise

    def correct(self, changed, *, by, shared_email=None, version=None, draft=None, apart_from=()):
        """Save the fields named in `changed`; a new photo (a SafePhoto) takes the old one's place.

        The other fields stay as they are by now in the database. `shared_email` says anew whether the address is
        shared; None leaves it as it is unless the address changes. Raises ValidationError and EmailTaken like
        register(), DoesNotExist when the record was erased meanwhile, and ChangedMeanwhile when `version` is given
        and the record has another. `draft` and `apart_from` as in register(). Whatever it raises, record and photo are
        as before.
        """
        self.clean_fields(exclude={field.name for field in self._meta.fields} - (set(changed) - {"document_photo"}))
        photo = self._store_photo() if "document_photo" in changed else None
        try:
            replaced = self._update(set(changed), by, shared_email, version, draft, apart_from)
        except OutcomeUnknown:
            raise
        except BaseException:
            if photo:
                storage.discard(photo)
            raise
        if photo and replaced:
            self._discard_photo(replaced)

    def _update(self, changed, by, shared_email, version, draft, apart_from):
        """Save, and return the name of the photo that the record had."""

        def update():
            before = self._locked()
            if version is not None and before.version != version:
                raise ChangedMeanwhile
            if draft:
                draft.use_up()
            for name in set(self.CORRECTABLE) - changed:
                setattr(self, name, getattr(before, name))
            if "document_photo" in changed:
                self.photo_deleted_at = None
                if self.photo_fingerprint != before.photo_fingerprint:  # else it was turned, perhaps
                    self.document_seen_at, self.document_seen_by = timezone.now(), by
            else:
                for name in self._OF_THE_PHOTO:
                    setattr(self, name, getattr(before, name))
            different = [name for name in self.CORRECTABLE if getattr(self, name) != getattr(before, name)]
            shares = before.shared_email and "email" not in different if shared_email is None else shared_email
            self.email_key = None if shares else validators.email_key(self.email)
            if self.shared_email != before.shared_email:
                different.append("shared_email")
            same_address = validators.email_key(self.email) == validators.email_key(before.email)
            self.email_state = before.email_state if same_address else self.EmailState.UNCONFIRMED
            self.version = before.version + bool(different)
            if different:
                self.save(
                    update_fields=[*self.CORRECTABLE, *self._OF_THE_PHOTO, "email_key", "email_state", "version"]
                )
                SearchKey.write(self)
            told_apart = self._say_apart(apart_from, by=by)
            if different:
                AuditEvent.record(AuditEvent.Action.CHANGED, by=by, patient=self, detail=", ".join(different))
            self._note_apart(told_apart, by=by)
            return before.document_photo.name

        try:
            return commit(update)
        except IntegrityError:
            self._refuse_taken_email()
            raise

    def delete_photo(self):
        """Delete the photo, whose time is over. Who saw which kind of document, and when, stays."""

        def forget():
            patient = self._locked()
            if patient.document_photo:
                Patient.objects.filter(pk=patient.pk).update(
                    document_photo="", photo_fingerprint="", photo_deleted_at=timezone.now(), version=F("version") + 1
                )
                AuditEvent.record(AuditEvent.Action.PHOTO_DELETED, by=None, patient=patient)
            return patient.document_photo.name

        if photo := commit(forget):
            self._discard_photo(photo)

    def tell_apart(self, others, *, by):
        """Remember that these patients are other people than this one, however much they resemble each other.

        Raises DoesNotExist when the record was erased meanwhile.
        """

        def say():
            self._locked()
            self._note_apart(self._say_apart(others, by=by), by=by)

        commit(say)

    def _say_apart(self, others, *, by):
        """Remember it, and return those of whom it wasn't known."""
        still_there = Patient.objects.filter(pk__in=[other.pk for other in others])
        return [other for other in still_there if KnownApart.say(self, other, by=by)]

    def _note_apart(self, others, *, by):
        for other in others:
            for one, another in ((self, other), (other, self)):
                AuditEvent.record(AuditEvent.Action.TOLD_APART, by=by, patient=one, detail=another.display_number)

    def send_confirmation_again(self, *, by, channel="email"):
        """Queue the confirmation once more; returns whether it did.

        It doesn't while one is on its way, nor where the channel can't reach the patient. Raises DoesNotExist when the
        record was erased meanwhile.
        """

        def queue_again():
            # Locked, so that of several at once the others see what the first one did.
            reason_against = channels.channel(channel).reason_against(self._locked())
            mails = Message.objects.filter(patient=self, channel=channel)
            latest = mails.first()
            if reason_against or mails.filter(status__in=Message.ON_THEIR_WAY).exists():
                return False
            if latest and latest.status == Message.Status.FAILED:
                latest.queue_again()
            else:
                Message.owe(self, channel)
            AuditEvent.record(AuditEvent.Action.SENT_AGAIN, by=by, patient=self)
            return True

        return commit(queue_again)

    def answer_about_email(self, state):
        """Note what whoever has the address said of it; a disputed one gets no more mail until it is corrected."""
        action = {
            self.EmailState.CONFIRMED: AuditEvent.Action.EMAIL_CONFIRMED,
            self.EmailState.DISPUTED: AuditEvent.Action.EMAIL_DISPUTED,
        }[state]

        def note():
            patient = self._locked()
            if patient.email == self.email and patient.email_state != state:
                Patient.objects.filter(pk=self.pk).update(email_state=state)
                AuditEvent.record(action, by=None, patient=self)

        commit(note)

    def _locked(self):
        """Return the record as it is now, locked until the transaction ends; raises DoesNotExist."""
        return Patient.objects.select_for_update().get(pk=self.pk)

    def record_seen(self, *, by, detail=""):
        """Note that somebody is about to be shown the record."""
        AuditEvent.record(AuditEvent.Action.READ, by=by, patient=self, detail=detail)

    def photo_seen(self, *, by, thumbnail=False):
        """Note, durably, that somebody is about to be shown the photo."""
        detail = "thumbnail" if thumbnail else ""
        AuditEvent.record(AuditEvent.Action.PHOTO_SEEN, by=by, patient=self, detail=detail)

    def _store_photo(self):
        """Put the new photo on disk; return its name there."""
        photo = self.document_photo.file
        self.document_photo, self.photo_fingerprint = storage.store(photo), photo.fingerprint
        return self.document_photo.name

    @staticmethod
    def _discard_photo(name):
        """Remove a record's former photo, unless another refers to it, as made-up patients do to a few pictures."""
        if not Patient.objects.filter(document_photo=name).exists():
            storage.discard(name)

    def _refuse_taken_email(self):
        others = Patient.objects.filter(email_key=self.email_key).exclude(pk=self.pk)
        if self.email_key and (taken := others.first()):
            raise EmailTaken(taken) from None
