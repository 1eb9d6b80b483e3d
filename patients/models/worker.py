from datetime import timedelta

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _


class Heartbeat(models.Model):
    """The sign of life of one mailworker, renewed every ten seconds."""

    ALIVE = timedelta(seconds=30)

    worker = models.CharField(_("worker"), max_length=200, unique=True)
    started_at = models.DateTimeField(_("started"), db_default=Now())
    seen_at = models.DateTimeField(_("last seen"), db_default=Now())
    restarts = models.PositiveIntegerField(_("restarts of its cluster"), default=0)

    class Meta:
        default_permissions = []

    def __str__(self):
        return self.worker

    @classmethod
    def beat(cls, worker, restarts):
        """Say that a worker lives; forget those that have not for a day."""
        if not cls.objects.filter(worker=worker).update(seen_at=Now(), restarts=restarts):
            cls.objects.create(worker=worker, restarts=restarts)
        cls.objects.filter(seen_at__lt=Now() - timedelta(days=1)).delete()

    @classmethod
    def alive(cls):
        return cls.objects.filter(seen_at__gte=Now() - cls.ALIVE)


class Chore(models.Model):
    """Something to be done every so often, by whichever worker comes first."""

    name = models.CharField(max_length=30, unique=True)
    taken_at = models.DateTimeField(db_default=Now())

    class Meta:
        default_permissions = []

    def __str__(self):
        return self.name

    @classmethod
    def take(cls, name, every):
        """Whether the chore is due and now this caller's; one UPDATE decides between several."""
        _, is_new = cls.objects.get_or_create(name=name)
        return is_new or bool(cls.objects.filter(name=name, taken_at__lte=Now() - every).update(taken_at=Now()))
