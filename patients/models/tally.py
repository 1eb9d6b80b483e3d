import time
from datetime import timedelta

from django.db import models
from django.db.models import Case, F, Value, When
from django.utils import timezone

from patients.fields import KeyField


class Tally(models.Model):
    """How often something happened in the present stretch of time, counted by all processes together."""

    KEPT = timedelta(hours=2)  # longer than any stretch

    key = KeyField(max_length=64, primary_key=True)
    stretch = models.BigIntegerField()
    count = models.PositiveIntegerField()
    counted_at = models.DateTimeField(db_index=True)

    class Meta:
        default_permissions = []

    def __str__(self):
        return f"{self.count} in {self.stretch}"

    @classmethod
    def add(cls, key, seconds, number=1):
        """Count something `number` times; return how often it has happened in this stretch of so many seconds."""
        now = {"stretch": _stretch(seconds), "counted_at": timezone.now()}
        # The count first, because MySQL assigns from left to right and must still see the old stretch.
        goes_on = When(stretch=now["stretch"], then=F("count") + number)
        counted = {"count": Case(goes_on, default=Value(number)), **now}
        if not cls.objects.filter(key=key).update(**counted):
            _, is_new = cls.objects.get_or_create(key=key, defaults={"count": number, **now})
            if not is_new:  # another process was first
                cls.objects.filter(key=key).update(**counted)
        return cls.of(key, seconds)

    @classmethod
    def of(cls, key, seconds):
        """Return how often it has happened in this stretch."""
        return cls.objects.filter(key=key, stretch=_stretch(seconds)).values_list("count", flat=True).first() or 0

    @classmethod
    def drop_old(cls):
        """Forget those that count for no stretch any more."""
        cls.objects.filter(counted_at__lt=timezone.now() - cls.KEPT).delete()


def _stretch(seconds):
    return int(time.time() // seconds)
