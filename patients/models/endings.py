from contextlib import suppress

from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db import connection

from patients import validators
from patients.models.audit import AuditEvent
from patients.models.draft import PhotoDraft
from patients.models.erasure import Erasure
from patients.models.former_number import FormerNumber
from patients.models.known_apart import KnownApart
from patients.models.message import Message
from patients.models.search_key import SearchKey
from patients.transactions import commit


class Endings:
    """The deeds of a patient after which a record is no longer there: it is erased, or merged into another."""

    #: What the record that is kept takes from the other where it has nothing itself.
    TAKEN_OVER = ("address", "date_of_birth", "document_kind")

    def erase(self, *, by):
        """Delete the record, what belongs to it and its photo; the audit and the list of the erased keep the number.

        Numbers of records that were merged into it are on the list, too: an older backup has those as they were.
        Raises DoesNotExist when somebody else erased it meanwhile.
        """

        def delete():
            patient = self._locked()
            former = patient.former_numbers.values_list("number", flat=True)
            erasures = [Erasure.of(number) for number in [patient.number, *former]]
            photos = patient._remove()
            AuditEvent.record(AuditEvent.Action.ERASED, by=by, patient=patient)
            return erasures, photos

        erasures, photos = commit(delete)
        for erasure in erasures:
            erasure.write()
        self._leave_nothing_of(photos)

    @classmethod
    def erase_again(cls, *copies):
        """Erase whom a restored backup brought back; `copies` are copies of ERASURES_FILE. Return how many."""
        Erasure.align(*copies)
        erased = 0
        for patient in cls.objects.filter(number__in=Erasure.objects.values("number")):
            # Not somebody new, should the dice ever fall on an old number.
            if Erasure.objects.filter(number=patient.number, at__gt=patient.registered_at).exists():
                with suppress(cls.DoesNotExist):
                    patient.erase(by=None)
                    erased += 1
        return erased

    def merge(self, other, *, by):
        """Make one of two records of one person: this one stays, and the other's number leads to it from now on.

        It keeps what it says, and takes what it lacks of TAKEN_OVER, the messages that went out, the submissions and
        who is known to be somebody else. The rest of the other is deleted with its photo. What it still owed to the
        patient is dropped: this record has a confirmation of its own. Raises DoesNotExist when one of the two is gone
        by now, and ValueError when they are the same.
        """
        if other.pk == self.pk:
            raise ValueError("A record can't be merged with itself")

        def move():
            # In the order of their keys, so that a second merge the other way round waits instead of locking both out.
            one, another = type(self)._pair_locked(self.pk, other.pk)
            kept, gone = (one, another) if one.pk == self.pk else (another, one)
            kept._take_over(gone)
            photos = gone._remove()
            FormerNumber.objects.create(number=gone.number, patient=kept)
            # Only now is an address that the two had in common free for this record.
            kept.save(update_fields=[*self.TAKEN_OVER, "email_key", "email_state", "version"])
            SearchKey.write(kept)
            AuditEvent.record(AuditEvent.Action.MERGED, by=by, patient=kept, detail=gone.display_number)
            AuditEvent.record(AuditEvent.Action.MERGED, by=by, patient=gone, detail=kept.display_number)
            return photos

        self._leave_nothing_of(commit(move))

    @classmethod
    def _pair_locked(cls, *pks):
        pair = list(cls.objects.select_for_update().filter(pk__in=pks).order_by("pk"))
        if len(pair) < 2:
            raise cls.DoesNotExist
        return pair

    def _take_over(self, gone):
        """Take from the other record what this one lacks, and what points to it."""
        for name in self.TAKEN_OVER:
            setattr(self, name, getattr(self, name) or getattr(gone, name))
        if validators.email_key(self.email) == validators.email_key(gone.email):
            self.email_key = self.email_key or gone.email_key
            if self.email_state == self.EmailState.UNCONFIRMED:
                self.email_state = gone.email_state
        self.version += 1
        gone.messages.filter(status__in=[Message.Status.QUEUED, Message.Status.FAILED]).delete()
        for belongings in (gone.messages, gone.submissions, gone.former_numbers):
            belongings.update(patient=self)
        KnownApart.take_over(self, gone)

    def _remove(self):
        """Delete the locked record, drafts of its photo and admin's log of it; return the names of the photos."""
        drafts = PhotoDraft.objects.filter(fingerprint=self.photo_fingerprint).exclude(fingerprint="")
        photos = [self.document_photo.name, *(draft.photo for draft in drafts)]
        drafts.delete()
        of_patients = ContentType.objects.get_for_model(type(self))
        LogEntry.objects.filter(content_type=of_patients, object_id=str(self.pk)).delete()
        self.delete()
        return photos

    def _leave_nothing_of(self, photos):
        """Once the deletion is committed: remove the photos' files, and the row from the database's journal."""
        if connection.vendor == "sqlite" and not connection.in_atomic_block:
            with connection.cursor() as cursor:
                cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # the journal would repeat it for some time
        for name in filter(None, photos):
            self._discard_photo(name)
