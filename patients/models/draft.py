import secrets
from datetime import timedelta

from django.conf import settings
from django.db import models
from django.utils import timezone

from patients.fields import KeyField
from patients.photos import storage
from registration import tokens

_SALT = "patients.PhotoDraft"


class PhotoUsed(Exception):
    """The kept photo has become a patient's already."""


def new_key():
    return secrets.token_hex(16)


class PhotoDraft(models.Model):
    """A cleaned photo that waits, for an hour at most, for the rest of its form to be right.

    The form carries a signed token; it is good only for who uploaded the photo, and says what the file was called, so
    that the page can name it.
    """

    LIFETIME = timedelta(hours=1)

    key = KeyField(max_length=32, unique=True, default=new_key)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    photo = models.CharField(max_length=100, db_index=True)
    fingerprint = models.CharField(max_length=64)
    created_at = models.DateTimeField(default=timezone.now, db_index=True)

    class Meta:
        default_permissions = []

    def __str__(self):
        return f"photo draft {self.pk}"

    @classmethod
    def keep(cls, photo, *, by, name, size):
        """Keep a SafePhoto for somebody and return the token for the form, which says what was uploaded."""
        stored = storage.store(photo)
        try:
            draft = cls.objects.create(user=by, photo=stored, fingerprint=photo.fingerprint)
        except BaseException:
            storage.discard(stored)
            raise
        kept = {"key": draft.key, "name": name[:100], "size": size, "hard_to_read": photo.hard_to_read}
        return tokens.sign(kept, salt=_SALT)

    @classmethod
    def find(cls, token, *, by):
        """Return (draft, what was kept: name, size, hard_to_read) for a token, or (None, None) when it is no good."""
        try:
            kept = tokens.read(token, salt=_SALT, max_age=cls.LIFETIME)
        except tokens.BadSignature:
            return None, None
        draft = cls.objects.filter(key=kept.pop("key"), user=by).first()
        return (draft, kept) if draft else (None, None)

    def load(self):
        """Return the SafePhoto."""
        return storage.load(self.photo, self.fingerprint)

    def use_up(self):
        """Forget the draft, in the transaction of the patient whose photo it becomes; raise PhotoUsed the second time.

        Its files stay until drop().
        """
        if not PhotoDraft.objects.filter(pk=self.pk).delete()[0]:
            raise PhotoUsed

    def drop(self):
        """Forget the draft and its files."""
        self.delete()
        storage.discard(self.photo)

    @classmethod
    def drop_expired(cls):
        """Forget those older than LIFETIME; return how many."""
        expired = list(cls.objects.filter(created_at__lt=timezone.now() - cls.LIFETIME))
        for draft in expired:
            draft.drop()
        return len(expired)
