"""How a message is delivered: claimed, sent outside any transaction, and what came of it recorded.

However often and wherever a message is looked at, one claim wins. A crash between the mail server's "250" and the
record of it is the one case that sends again, with the same Message-ID and `possible_duplicate` set.
"""

import logging
import os
import random
import time
import uuid
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import ExitStack, contextmanager
from contextvars import copy_context
from datetime import timedelta
from functools import partial

from django.db import InterfaceError, OperationalError, connection, transaction
from django.db.models import Case, F, Q, Value, When
from django.db.models.functions import Now
from django.utils import timezone

from patients.messages import queue
from patients.messages.channels import channel
from patients.messages.failures import PermanentFailure, TemporaryFailure
from patients.models import Message
from registration import request_id

LEASE = timedelta(seconds=120)  # longer than any attempt and its recording
ATTEMPTS_MOST = 16
BACKOFF_FIRST, BACKOFF_MOST = 30, 3600  # seconds
WORKER_SECONDS = 8  # for one attempt; then the worker goes on with other messages, and the attempt by itself
RECORDING_SECONDS = 55
CHAIN_SECONDS = 5  # how long one job goes on with the next message that is due, over the same connection
EARLY_AGAIN = timedelta(seconds=60)  # between early attempts at one message
CONTENDERS = 8  # among so many due messages a worker picks one, so that several rarely pick the same

logger = logging.getLogger(__name__)
Status = Message.Status


def deliver(message_pk, *, is_early=False):
    """Send a message if it is due and nobody else is sending it, and then others that are due over its channel.

    A job that goes on where another one stopped may come to its message before it is due, `is_early`; see _next().

    Never raises: a traceback holds personal data.
    """
    started = time.monotonic()
    deadline = started + RECORDING_SECONDS
    try:
        name = Message.objects.values_list("channel", flat=True).get(pk=message_pk)
        with _session(name) as attempt:
            goes_on = _deliver_one(message_pk, attempt, deadline, is_early=is_early)
            while goes_on and (message_pk := _next(name)):
                if time.monotonic() - started > CHAIN_SECONDS:
                    queue.nudge(message_pk, is_early=True)
                    return
                request_id.use("")  # the job's request has nothing to do with this message
                goes_on = _deliver_one(message_pk, attempt, deadline, is_early=True)
    except Message.DoesNotExist:
        return  # with its patient
    except Exception as error:
        # The claim's lease runs out and the message is tried again.
        logger.error("delivery interrupted", extra={"message_id": message_pk, "error": type(error).__name__})


@contextmanager
def _session(name):
    """Give attempt(message), which returns the Future of what comes of it; one after another, over one connection.

    An attempt that still goes on afterwards keeps the connection until it is over.
    """
    sessions, thread = ExitStack(), ThreadPoolExecutor(1, "delivery")
    send = sessions.enter_context(channel(name).session())
    try:
        yield lambda message: thread.submit(copy_context().run, _attempt, message, send)
    finally:
        closed = thread.submit(sessions.close)
        thread.shutdown(wait=False)
        wait([closed], timeout=1)


def _deliver_one(message_pk, attempt, deadline, *, is_early):
    """Claim, send, record; return whether the server can be expected to take another message now."""
    token = uuid.uuid4()
    if not _claim(message_pk, token, is_early):
        return is_early  # somebody else was quicker: the next one
    message = Message.objects.select_related("patient").get(pk=message_pk)
    attempted = attempt(message)
    try:
        outcome = attempted.result(WORKER_SECONDS)
    except TimeoutError:
        attempted.add_done_callback(partial(copy_context().run, _record_later, message, token))
        return False
    _record_patiently(message, token, outcome, deadline)
    return outcome is None or outcome.args[0] == "answered" or isinstance(outcome, PermanentFailure)


def _next(name):
    """Return a message that is due on the channel, or one that its server, which takes messages now, did not take."""
    is_of_the_server = Q(failure__regex="^(unreachable|refused|answered) ", last_attempt_at__lt=Now() - EARLY_AGAIN)
    is_due = Q(next_attempt_at__lte=Now()) | is_of_the_server
    due = Message.objects.filter(is_due, channel=name, status=Status.QUEUED).order_by("next_attempt_at")
    found = due.values_list("pk", flat=True)[:CONTENDERS]
    return random.choice(found) if found else None  # noqa: S311 — spreads the workers, guards nothing


def _claim(message_pk, token, is_early=False):
    """Take the message for this process with one UPDATE; False when it isn't due, is taken or done.

    An early attempt, before the message is due, is one more than those that it has.
    """
    due = Q(status=Status.QUEUED) if is_early else Q(status=Status.QUEUED, next_attempt_at__lte=Now())
    abandoned = Q(status=Status.SENDING, claim_expires_at__lt=Now())
    return Message.objects.filter(due | abandoned, pk=message_pk).update(
        # First, because MySQL assigns from left to right and must still see the old status.
        possible_duplicate=Case(When(status=Status.SENDING, then=Value(True)), default=F("possible_duplicate")),
        status=Status.SENDING,
        attempts=Case(When(next_attempt_at__gt=Now(), then=F("attempts")), default=F("attempts") + 1),
        claimed_by=os.environ.get("MAILWORKER", ""),
        claim_token=token,
        claim_expires_at=Now() + LEASE,
        last_attempt_at=Now(),
    )


def _attempt(message, send):
    """Send the message and return None, or return the failure."""
    if message.attempts > ATTEMPTS_MOST:
        return PermanentFailure("exhausted")
    if reason := channel(message.channel).reason_against(message.patient):
        return PermanentFailure(reason)
    try:
        send(message)
    except (TemporaryFailure, PermanentFailure) as failure:
        return failure
    except Exception as error:  # a defect of ours; later attempts may meet a mended version
        logger.error("delivery failed", extra={"message_id": message.pk, "error": type(error).__name__})
        return TemporaryFailure("unexpected", type(error).__name__)
    return None


def _record_later(message, token, attempted):
    """Record the outcome of an attempt for which its worker didn't wait, in the attempt's own thread."""
    try:
        _record_patiently(message, token, attempted.result(), time.monotonic() + RECORDING_SECONDS)
    except Exception as error:
        logger.error("delivery interrupted", extra={"message_id": message.pk, "error": type(error).__name__})
    finally:
        connection.close()


def _record_patiently(message, token, outcome, deadline):
    """Record the outcome, trying again while the database is away: an unrecorded mail would be sent again."""
    while True:
        try:
            with transaction.atomic():
                _record(message, token, outcome)
            return
        except (OperationalError, InterfaceError):
            if time.monotonic() > deadline:
                raise
            connection.close()
            time.sleep(1)


def _record(message, token, outcome):
    claimed = Message.objects.filter(pk=message.pk, claim_token=token)
    if outcome and outcome.args[0] == "unanswered":
        claimed.update(possible_duplicate=True)  # if it is sent once more
    done = {"claim_token": None, "claim_expires_at": None}
    if outcome is None:
        claimed.update(status=Status.SENT, sent_at=Now(), next_attempt_at=None, failure="", **done)
        return
    failure = " ".join(map(str, outcome.args))
    logger.warning("message not sent", extra={"message_id": message.pk, "error": failure})
    if isinstance(outcome, PermanentFailure) or message.attempts >= ATTEMPTS_MOST:
        claimed.update(status=Status.FAILED, next_attempt_at=None, failure=failure, **done)
        return
    early = claimed.filter(next_attempt_at__gt=Now())
    if early.update(status=Status.QUEUED, failure=failure, **done):
        return  # what is due comes when it was due, and has its job
    wait = _backoff(message.attempts)
    if claimed.update(status=Status.QUEUED, next_attempt_at=Now() + wait, failure=failure, **done):
        # A second later than due, since the queue goes by this machine's clock and the claim by the database's.
        queue.nudge(message.pk, timezone.now() + wait + timedelta(seconds=1))


def _backoff(attempts):
    """Return the wait after so many attempts: 30 s, doubled each time up to an hour, spread by a fifth."""
    seconds = min(BACKOFF_FIRST * 2 ** (attempts - 1), BACKOFF_MOST)
    return timedelta(seconds=seconds * random.uniform(0.8, 1.2))  # noqa: S311 — spreads retries, guards nothing
