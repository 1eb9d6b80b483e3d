"""Messages whose job, or worker, is gone; and what tells that they are."""

from datetime import timedelta

import pytest
from django.db.models.functions import Now
from django.utils import timezone
from django_q.models import OrmQ

from patients.messages import delivery, health, sweep
from patients.models import Chore, Message
from patients.tests.mailing import deliver


def test_tells_when_mail_does_not_keep_up(message):
    assert health.is_keeping_up()

    Message.objects.update(next_attempt_at=Now() - timedelta(minutes=11))

    assert not health.is_keeping_up()


def test_a_message_whose_job_is_gone_is_queued_anew(registered, message, inbox):
    OrmQ.objects.all().delete()
    assert sweep.nudge_the_overdue() == 0  # not yet: its job may be on its way

    Message.objects.update(next_attempt_at=Now() - timedelta(seconds=6))
    assert sweep.nudge_the_overdue() == 1 and OrmQ.objects.get().task["args"][0] == message.pk
    assert sweep.nudge_the_overdue() == 0  # its job is waiting

    OrmQ.objects.all().delete()
    Message.objects.update(status="sending", claim_expires_at=Now() - timedelta(seconds=1))
    assert sweep.nudge_the_overdue() == 1


def test_what_a_killed_cluster_was_sending_is_had_at_once(message, inbox, monkeypatch):
    OrmQ.objects.all().delete()
    monkeypatch.setenv("MAILWORKER", "desk:1")
    delivery._claim(message.pk, "0" * 32)

    sweep.release("desk:2")
    deliver(message)
    assert inbox.mails() == [] and sweep.nudge_the_overdue() == 0
    sweep.release("desk:1")
    assert sweep.nudge_the_overdue() == 1
    deliver(message)

    assert (message.status, message.possible_duplicate, len(inbox.mails())) == ("sent", True, 1)


def test_tells_a_stuck_cluster_from_a_busy_and_an_idle_one(message):
    assert not sweep.is_stuck("desk:1")

    Message.objects.update(next_attempt_at=Now() - timedelta(seconds=20))
    assert not sweep.is_stuck("desk:1")  # its job may be lost: for the sweep
    OrmQ.objects.update(lock=timezone.now() - timedelta(seconds=20))
    assert sweep.is_stuck("desk:1")
    Message.objects.update(last_attempt_at=Now() - timedelta(seconds=10), claimed_by="desk:2")
    assert sweep.is_stuck("desk:1") and not sweep.is_stuck("desk:2")
    Message.objects.create(
        patient=message.patient, channel="email", status="sending", claimed_by="desk:1",
        last_attempt_at=Now() - timedelta(seconds=30),
    )  # fmt: skip
    assert not sweep.is_stuck("desk:1")


@pytest.mark.django_db
def test_a_chore_is_one_workers():
    assert Chore.take("photos", timedelta(hours=1))
    assert not Chore.take("photos", timedelta(hours=1))
    assert Chore.take("photos", timedelta(0))
