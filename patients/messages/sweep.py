"""What rescues messages from the queue, and so doesn't depend on it."""

from datetime import timedelta

from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone
from django_q.conf import Conf
from django_q.models import OrmQ

from patients.messages import queue
from patients.models import Message

Status = Message.Status
OVERDUE = timedelta(seconds=5)  # longer than a job takes to be picked up
STUCK_AFTER, ATTEMPT_MOST = timedelta(seconds=15), timedelta(seconds=50)
BATCH = 1000


def nudge_the_overdue():
    """Queue anew the messages whose job is gone (lost, unreadable, or with a worker that died); return how many.

    While jobs are waiting nothing is done: what is overdue may have its own among them.
    """
    if _jobs().filter(lock__lt=timezone.now()).exists():
        return 0
    overdue = Q(status=Status.QUEUED, next_attempt_at__lt=Now() - OVERDUE)
    abandoned = Q(status=Status.SENDING, claim_expires_at__lt=Now())
    messages = Message.objects.filter(overdue | abandoned).order_by("next_attempt_at").values_list("pk", flat=True)
    found = list(messages[:BATCH])
    for message in found:
        queue.nudge(message)
    return len(found)


def release(worker):
    """Let others have at once, marked as possibly sent, what this worker's cluster was sending when it was killed."""
    Message.objects.filter(status=Status.SENDING, claimed_by=worker).update(claim_expires_at=Now())


def is_stuck(worker):
    """Whether jobs with due messages wait while this worker's cluster looks at none."""
    due = Message.objects.filter(status=Status.QUEUED, next_attempt_at__lt=Now() - STUCK_AFTER)
    looked_at = Message.objects.filter(
        Q(last_attempt_at__gt=Now() - STUCK_AFTER)
        | Q(status=Status.SENDING, last_attempt_at__gt=Now() - ATTEMPT_MOST),
        claimed_by=worker,
    )
    waits = _jobs().filter(lock__lt=timezone.now() - STUCK_AFTER)
    return waits.exists() and due.exists() and not looked_at.exists()


def _jobs():
    return OrmQ.objects.filter(key=Conf.CLUSTER_NAME)
