import hashlib
import json
from datetime import timedelta

from django.conf import settings
from django.db import models
from django.utils import timezone

from patients.fields import KeyField
from patients.photos import cleaning


class KeyReused(Exception):
    """The sender used this key before, with something else in it, which registered `patient`."""

    def __init__(self, patient):
        super().__init__()
        self.patient = patient


class AlreadySubmitted(Exception):
    """A twin of this submission was quicker; `patient` is whom it registered."""

    def __init__(self, patient):
        super().__init__()
        self.patient = patient


class Submission(models.Model):
    """That a sender's key has registered a patient: what is sent again under it is answered with the same one.

    The key of an API's client is its Idempotency-Key, that of a form the submission_id which each page has. The row is
    part of the registration's transaction, so there is one if and only if the patient is there. It holds keyed
    hashes, never what was sent.
    """

    LIFETIME = timedelta(hours=72)

    sender = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    key = KeyField(max_length=64)
    fingerprint = models.CharField(max_length=64)
    patient = models.ForeignKey("patients.Patient", models.CASCADE, related_name="submissions")
    created_at = models.DateTimeField(default=timezone.now, db_index=True)

    class Meta:
        default_permissions = []
        constraints = [models.UniqueConstraint(fields=["sender", "key"], name="submission_once")]

    def __str__(self):
        return f"submission {self.pk}"

    @classmethod
    def of(cls, sender, key, *parts):
        """Return the submission of `parts` (what json.dumps takes, and files) under a key, not saved yet."""
        text = json.dumps(parts, sort_keys=True, default=_hash_of_file)
        return cls(sender=sender, key=_keyed_hash(key), fingerprint=_keyed_hash(text))

    def twins(self):
        """Return those with the same key: the one that has registered somebody, or none."""
        return Submission.objects.filter(sender=self.sender, key=self.key)

    def earlier_patient(self):
        """Return whom the same submission registered before, or None; raises KeyReused when it was another one."""
        earlier = self.twins().select_related("patient").first()
        if earlier is None:
            return None
        if earlier.fingerprint != self.fingerprint:
            raise KeyReused(earlier.patient)
        return earlier.patient

    @classmethod
    def drop_expired(cls):
        """Forget those older than LIFETIME; return how many."""
        return cls.objects.filter(created_at__lt=timezone.now() - cls.LIFETIME).delete()[0]


def _hash_of_file(file):
    file.seek(0)
    return cleaning.fingerprint(file.read())


def _keyed_hash(text):
    # With a key that stays when SECRET_KEY is rotated, and told apart from the hashes of photos.
    return cleaning.fingerprint(b"submission:" + hashlib.sha256(text.encode()).digest())
