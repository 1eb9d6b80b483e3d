"""How the messages are doing: for /readyz and for administrators."""

from datetime import timedelta

from django.db.models import Q
from django.db.models.functions import Now

from patients.models import Heartbeat, Message, Patient

OVERDUE, DAY = timedelta(minutes=10), timedelta(days=1)
Status = Message.Status


def is_keeping_up():
    """Readiness check: no message has been due for ten minutes."""
    return not Message.objects.filter(
        Q(status=Status.QUEUED, next_attempt_at__lt=Now() - OVERDUE)
        | Q(status=Status.SENDING, claim_expires_at__lt=Now() - OVERDUE)
    ).exists()


def report():
    """Return what an administrator wants to know, by name."""
    due = Message.objects.filter(status=Status.QUEUED, next_attempt_at__lte=Now())
    recent = Q(last_attempt_at__gt=Now() - DAY) | Q(last_attempt_at=None, created_at__gt=Now() - DAY)
    failed = Message.objects.filter(recent, status=Status.FAILED)
    return {
        "workers": Heartbeat.alive().order_by("started_at"),
        "oldest_due": due.order_by("next_attempt_at").first(),
        "due": due.count(),
        "waiting": Message.objects.filter(status=Status.QUEUED, next_attempt_at__gt=Now()).count(),
        "failed": failed.count(),
        "without_message": Patient.objects.filter(messages=None).count(),
    }
