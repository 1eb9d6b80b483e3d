import hashlib
import hmac
import json
from contextvars import ContextVar
from datetime import UTC, timedelta

from django.conf import settings
from django.db import models, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from patients.fields import KeyField
from registration import client_address, request_id

REFUSALS_MOST = 20  # rows a minute that are alike; more would only fill the disk

_client = ContextVar("client", default="")


def note_client(name):
    """Say with what (a program's token) the events of this request are done."""
    _client.set(name)


class AppendOnly(Exception):
    """Somebody tried to change or remove an audit event."""


class AuditQuerySet(models.QuerySet):
    def of(self, patient):
        """Those about the patient, also by the numbers of records that were merged into theirs, the newest first."""
        former = patient.former_numbers.values_list("number", flat=True)
        return self.filter(patient_number__in=[patient.number, *former])

    def lists_with(self, number):
        """Those of lists that showed the patient of this number: no index finds them, so narrow them down first."""
        return self.filter(action=self.model.Action.LOOKED_UP, detail__contains=number)

    def deeds(self):
        """Those of which something came, unlike a look."""
        action = self.model.Action
        return self.exclude(action__in=[action.READ, action.LOOKED_UP, action.PHOTO_SEEN])

    def _refuse(self, *args, **kwargs):
        raise AppendOnly

    create = get_or_create = bulk_create = update = update_or_create = bulk_update = delete = _refuse


class AuditEvent(models.Model):
    """Who did what to which patient, and when: the patient's number and the names of fields, never their values.

    Events are only ever added, by record(). Each is sealed together with the one before it, so that verify() tells
    which was changed or removed later, even by somebody who can write to the database.
    """

    class Action(models.TextChoices):
        REGISTERED = "registered", pgettext_lazy("deed", "registered")
        READ = "read", _("read the record")
        LOOKED_UP = "looked_up", _("looked through the list")
        PHOTO_SEEN = "photo_seen", _("saw the photo")
        CHANGED = "changed", _("changed")
        PHOTO_DELETED = "photo_deleted", _("deleted the photo, whose time was over")
        EXPORTED = "exported", _("exported")
        ERASED = "erased", _("erased")
        MERGED = "merged", _("merged with")
        SENT_AGAIN = "sent_again", _("sent the confirmation again")
        GAVE_UP = "gave_up", _("gave a message up")
        TOLD_APART = "told_apart", _("said that it is not the same person as")
        EMAIL_CONFIRMED = "email_confirmed", _("said that the address is theirs")
        EMAIL_DISPUTED = "email_disputed", _("said that the address is not theirs")
        SIGNED_IN = "signed_in", _("signed in")
        SIGN_IN_FAILED = "sign_in_failed", _("failed to sign in")
        REFUSED = "refused", _("was refused")
        ACCOUNT_CHANGED = "account_changed", _("changed an account")
        TOKEN_MADE = "token_made", _("made a token")
        TOKEN_REVOKED = "token_revoked", _("revoked a token")

    OF_TWO = [Action.MERGED, Action.TOLD_APART]  # noted on the number of each, with the other's

    # Counted without a gap by record(), unlike a key that the database makes.
    id = models.BigIntegerField(primary_key=True)
    at = models.DateTimeField(_("when"), db_index=True)
    action = models.CharField(_("what"), max_length=20, choices=Action, db_index=True)
    # Staff who did something can be deactivated, not deleted.
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, verbose_name=_("who"), related_name="+", null=True
    )
    client = models.CharField(_("with what"), max_length=64, blank=True)
    address = models.CharField(_("from where"), max_length=45, blank=True)
    patient_number = KeyField(_("patient number"), max_length=8, db_index=True, blank=True)
    detail = models.CharField(_("detail"), max_length=2000, blank=True)  # the longest is a list of 200 patients
    request_id = models.CharField(_("request"), max_length=64, blank=True)
    seal = models.CharField(max_length=100, editable=False)

    objects = AuditQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        base_manager_name = "objects"
        default_permissions = ["view"]
        verbose_name, verbose_name_plural = _("audit event"), _("audit events")

    def __str__(self):
        return f"{self.action} {self.patient_number}".rstrip()

    def save(self, *args, **kwargs):
        raise AppendOnly

    def delete(self, *args, **kwargs):
        raise AppendOnly

    @classmethod
    def record(cls, action, *, by, patient=None, detail=""):
        """Write one event; call it last in the transaction of what it is about, because it waits for the one lock."""
        cls.record_each(action, by=by, patients=[patient], detail=detail)

    @classmethod
    def record_each(cls, action, *, by, patients, detail=""):
        """Write one event for each of the patients, in the same way."""
        events = [
            cls(
                action=action,
                actor=by if by and by.pk else None,
                client=_client.get(),
                address=client_address.current(),
                patient_number=patient.number if patient else "",
                detail=detail,
                request_id=request_id.current(),
            )
            for patient in patients
        ]
        with transaction.atomic(savepoint=False):  # without its event, nothing of the transaction may stay
            head = AuditHead.locked()
            for event in events:
                event.pk, event.at = head.count + 1, timezone.now()
                event.seal = head.seal = event._sealed(head.seal, *settings.AUDIT_KEYS[0])
                head.count += 1
            models.QuerySet(cls).bulk_create(events)
            head.save(force_update=True)

    @classmethod
    def record_list(cls, patients, *, by, how=""):
        """Write one event for all the patients whom a list or a search shows, with their numbers."""
        cls.record(cls.Action.LOOKED_UP, by=by, detail=" ".join([how, *(p.number for p in patients)]).strip())

    @classmethod
    def record_refusal(cls, action, *, by, patient=None, detail=""):
        """Write one event, unless there were so many like it within a minute that one more tells nothing.

        Alike are those from one address, of one actor, with one detail: nobody's flood hides what others do.
        """
        recent = cls.objects.filter(
            at__gt=timezone.now() - timedelta(minutes=1),
            action=action,
            address=client_address.current(),
            actor=by if by and by.pk else None,
            detail=detail,
        )
        if recent.order_by().count() < REFUSALS_MOST:
            cls.record(action, by=by, patient=patient, detail=detail)

    @classmethod
    def verify(cls, expected=None):
        """Yield a sentence for each event that was changed or removed since it was written; reads all of them.

        `expected` is the end of the chain as it was noted elsewhere, "count:seal": only that shows when the newest
        events were removed together with the memory of them.
        """
        head = AuditHead.objects.filter(pk=1).first()
        if head is None:
            yield "Removed: the end of the chain"
            head = AuditHead()
        ends = dict(end.split(":", 1) for end in {str(head), expected or str(head)})
        for event in cls.objects.filter(pk__lt=1):
            yield f"Added: {event.pk}"
        count, seal = 0, ""
        while events := cls.objects.filter(pk__gt=count).order_by("pk")[:1000]:
            for event in events:
                if event.pk > count + 1:
                    yield _removed(count + 1, event.pk - 1)
                elif not event._is_sealed(seal) or ends.get(str(event.pk), event.seal) != event.seal:
                    yield f"Changed: {event.pk}"
                count, seal = event.pk, event.seal
        if (last := max(map(int, ends))) > count:
            yield _removed(count + 1, last)

    def _is_sealed(self, seal_before):
        key_name = self.seal.partition(":")[0]
        key = dict(settings.AUDIT_KEYS).get(key_name)
        return key is not None and hmac.compare_digest(self.seal, self._sealed(seal_before, key_name, key))

    def _sealed(self, seal_before, key_name, key):
        """Return the HMAC-SHA-256 (RFC 2104) over the event and the seal before it, after its key's name."""
        content = [
            seal_before,
            self.pk,
            self.at.astimezone(UTC).isoformat(),
            self.action,
            self.actor_id,
            self.client,
            self.address,
            self.patient_number,
            self.detail,
            self.request_id,
        ]
        return f"{key_name}:{hmac.new(key, json.dumps(content).encode(), hashlib.sha256).hexdigest()}"


class AuditHead(models.Model):
    """The end of the chain of audit events: the one row that whoever adds to it holds until their transaction ends."""

    count = models.BigIntegerField(default=0)
    seal = models.CharField(max_length=100, blank=True)

    class Meta:
        default_permissions = []

    def __str__(self):
        return f"{self.count}:{self.seal}"

    @classmethod
    def locked(cls):
        return cls.objects.select_for_update().get(pk=1)

    @classmethod
    def begin(cls, using, **kwargs):
        """post_migrate receiver: make the row, before several at once would, who could lock each other out."""
        cls.objects.using(using).get_or_create(pk=1)


def _removed(first, last):
    return f"Removed: {first}" if first == last else f"Removed: {first} to {last}"
