import os
import re
from contextlib import suppress
from datetime import datetime

from django.conf import settings
from django.db import models
from django.utils import timezone

from patients.fields import KeyField

_LINE = re.compile(r"([0-9A-Z]{8}) (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?\+00:00)$", re.MULTILINE)


class Erasure(models.Model):
    """That a patient was erased: the number and the time, so that a restored backup doesn't bring them back.

    The same stands, a line for each, in ERASURES_FILE, which is kept apart from every backup and outlives a restore.
    """

    number = KeyField(max_length=8, unique=True)
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        default_permissions = []

    def __str__(self):
        return f"{self.number} {self.at.isoformat()}"

    @classmethod
    def of(cls, number):
        """Note, in the transaction that erases the patient; write() follows when it is committed."""
        return cls.objects.update_or_create(number=number, defaults={"at": timezone.now()})[0]

    def write(self):
        """Add the line to the file, durably; a crash before it is made good by align()."""
        descriptor = os.open(settings.ERASURES_FILE, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        with open(descriptor, "w") as file:
            file.write(f"{self}\n")
            file.flush()
            os.fsync(file.fileno())

    @classmethod
    def align(cls, *copies):
        """Make table and file tell the same, and both what the copies of the file tell."""
        known = {erasure.number: erasure for erasure in cls.objects.all()}
        listed = _read(settings.ERASURES_FILE)
        for number, at in {**listed, **{n: at for copy in copies for n, at in _read(copy).items()}}.items():
            if number not in known:
                known[number], _is_new = cls.objects.get_or_create(number=number, defaults={"at": at})
        for number in known.keys() - listed.keys():
            known[number].write()


def _read(file):
    """Return {number: time}; a damaged or unfinished line is passed over, and written anew by align()."""
    found = {}
    for number, at in _LINE.findall(file.read_text(errors="replace") if file.exists() else ""):
        with suppress(ValueError):  # no day of any month
            found[number] = datetime.fromisoformat(at)
    return found
