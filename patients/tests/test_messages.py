"""The delivery of a message: claimed, sent to a real SMTP server, recorded."""

import socket
import threading
from contextlib import suppress
from datetime import timedelta

import pytest
from django.db import OperationalError
from django.db.models.functions import Now
from django.utils import timezone
from django_q.models import OrmQ

from patients import tasks
from patients.messages import delivery, email, failures
from patients.models import AuditEvent, Message, Patient
from patients.tests.mailing import deliver, only_mail
from patients.tests.service import wait_until


def test_is_sent_once_however_often_it_is_looked_at(message, inbox):
    for _ in range(3):
        deliver(message)

    assert len(inbox.mails()) == 1 and message.attempts == 1


def test_is_left_alone_while_another_worker_has_it(message, inbox):
    assert delivery._claim(message.pk, "0" * 32)

    deliver(message)

    assert inbox.mails() == [] and message.status == "sending"


def test_is_taken_over_from_a_worker_that_died(message, inbox):
    delivery._claim(message.pk, "0" * 32)
    Message.objects.update(claim_expires_at=Now() - timedelta(seconds=1))

    deliver(message)

    assert (message.status, message.attempts, message.possible_duplicate) == ("sent", 2, True)
    assert only_mail(inbox)["Message-ID"] == message.message_id


@pytest.mark.parametrize("command", ["RCPT", "DATA"])
def test_a_temporary_refusal_is_tried_again_later(command, message, inbox):
    OrmQ.objects.all().delete()
    inbox.answers[command] = "451 try later"
    deliver(message)

    assert (message.status, message.attempts, message.failure) == ("queued", 1, "answered 451")
    wait = message.next_attempt_at - timezone.now()
    assert timedelta(seconds=20) < wait < timedelta(seconds=40)
    job = OrmQ.objects.get()
    assert job.task["args"][0] == message.pk and message.next_attempt_at < job.lock

    inbox.answers.clear()
    deliver(message)
    assert message.status == "queued"  # not due yet
    Message.objects.update(next_attempt_at=Now())
    deliver(message)
    assert (message.status, message.attempts, message.failure) == ("sent", 2, "")


@pytest.mark.parametrize("answer", ["530 sign in first", "550 you may not send from here"])
def test_a_refusal_of_the_service_itself_is_no_fault_of_the_address(answer, message, inbox):
    inbox.answers["MAIL"] = answer
    deliver(message)

    assert (message.status, message.failure) == ("queued", f"refused {answer[:3]}")


@pytest.mark.parametrize("command", ["RCPT", "DATA"])
def test_a_permanent_refusal_ends_it_visibly(command, message, inbox):
    OrmQ.objects.all().delete()
    inbox.answers[command] = "550 no such mailbox for ana@example.org"
    deliver(message)

    assert (message.status, message.failure) == ("failed", "answered 550")
    assert not OrmQ.objects.exists()


def test_a_mail_server_that_is_away_is_tried_again(message, inbox):
    inbox.stop()
    deliver(message)

    assert message.status == "queued" and message.failure.startswith("unreachable ")


def test_gives_up_after_the_last_attempt(message, inbox):
    inbox.answers["RCPT"] = "451 try later"
    Message.objects.update(attempts=delivery.ATTEMPTS_MOST - 1)
    deliver(message)

    assert message.status == "failed"


def test_a_message_that_kills_its_workers_ends_as_failed(message, inbox):
    Message.objects.update(
        attempts=delivery.ATTEMPTS_MOST, status="sending", claim_expires_at=Now() - timedelta(seconds=1)
    )
    deliver(message)

    assert message.status == "failed" and inbox.mails() == []


def test_waits_longer_each_time_up_to_an_hour():
    waits = [delivery._backoff(attempts).total_seconds() for attempts in range(1, 17)]

    assert 24 <= waits[0] <= 36 and 48 <= waits[1] <= 72 and 2880 <= min(waits[8:]) and max(waits) <= 4320


def test_a_defect_of_ours_never_shows_in_the_job(message, inbox, monkeypatch, caplog):
    def fail(message):
        raise ValueError("ana@example.org has a problem")

    monkeypatch.setattr("patients.messages.email.render", fail)
    deliver(message)

    assert (message.status, message.failure) == ("queued", "unexpected ValueError")
    assert "ana@example.org" not in caplog.text


def test_a_failed_one_is_sent_again_to_the_corrected_address(message, inbox, receptionist):
    inbox.answers["RCPT"] = "550 no such mailbox"
    deliver(message)
    inbox.answers.clear()
    patient = message.patient
    patient.email = "ana.maria@example.org"
    patient.correct(["email"], by=receptionist)

    assert patient.send_confirmation_again(by=receptionist)
    message.refresh_from_db()
    assert (message.status, message.attempts) == ("queued", 0)
    deliver(message)

    assert only_mail(inbox)["To"] == "ana.maria@example.org"
    assert AuditEvent.objects.filter(action="sent_again").count() == 1


def test_sending_again_waits_for_one_on_its_way_and_makes_a_new_one_after_a_sent_one(message, inbox, receptionist):
    patient = message.patient
    assert not patient.send_confirmation_again(by=receptionist)
    deliver(message)

    assert patient.send_confirmation_again(by=receptionist)

    second = Patient.objects.get().confirmation
    assert second.pk != message.pk and second.message_id != message.message_id and second.status == "queued"


def test_one_connection_serves_all_that_are_due(registered, inbox):
    messages = [registered(email=f"p{count}@example.org").messages.get() for count in range(5)]
    deliver(messages[0])

    assert len(inbox.mails()) == 5 and inbox.connections == 1
    assert {mail["To"] for mail in inbox.mails()} == {f"p{count}@example.org" for count in range(5)}
    assert {message.status for message in Message.objects.all()} == {"sent"}


def test_a_refused_address_does_not_hold_up_the_others(registered, inbox):
    messages = [registered(email=f"p{count}@example.org").messages.get() for count in range(3)]
    inbox.answers["RCPT"] = "550 no such mailbox"
    deliver(messages[0])

    assert {message.status for message in Message.objects.all()} == {"failed"} and inbox.connections == 1


@pytest.mark.parametrize("failure", ["unreachable TimeoutError", "refused 421", "answered 451"])
def test_when_the_server_is_back_those_that_waited_for_it_go_first(failure, registered, inbox):
    messages = [registered(email=f"p{count}@example.org").messages.get() for count in range(3)]
    Message.objects.exclude(pk=messages[0].pk).update(
        failure=failure,
        attempts=4,
        next_attempt_at=Now() + timedelta(hours=1),
        last_attempt_at=Now() - delivery.EARLY_AGAIN - timedelta(seconds=1),
    )
    deliver(messages[0])

    assert len(inbox.mails()) == 3
    assert {message.attempts for message in Message.objects.exclude(pk=messages[0].pk)} == {4}  # it costs them none


def test_an_early_attempt_that_fails_puts_nothing_off(registered, inbox):
    first, waiting = [registered(email=f"p{count}@example.org").messages.get() for count in range(2)]
    due = timezone.now() + timedelta(hours=1)
    Message.objects.filter(pk=waiting.pk).update(
        failure="answered 451", attempts=4, next_attempt_at=due, last_attempt_at=Now() - timedelta(hours=1)
    )
    OrmQ.objects.all().delete()
    inbox.answers["RCPT"] = "452 mailbox full"
    deliver(first)

    waiting.refresh_from_db()
    assert (waiting.status, waiting.attempts, waiting.failure) == ("queued", 4, "answered 452")
    assert waiting.next_attempt_at == due and [job.task["args"][0] for job in OrmQ.objects.all()] == [first.pk]


@pytest.mark.parametrize("answer", ["451 later", "550 not this"])
def test_a_refusal_before_the_mail_costs_the_next_one_nothing(answer, registered, inbox):
    messages = [registered(email=f"p{count}@example.org").messages.get() for count in range(2)]
    inbox.answers["BEFORE_DATA"] = answer
    deliver(messages[0])

    assert {message.failure for message in Message.objects.all()} == {f"answered {answer[:3]}"}
    assert inbox.connections == 1


@pytest.mark.parametrize("failure", ["interrupted SMTPServerDisconnected", "unanswered TimeoutError", "unexpected X"])
def test_those_that_failed_by_themselves_wait_their_time(failure, registered, inbox):
    messages = [registered(email=f"p{count}@example.org").messages.get() for count in range(2)]
    Message.objects.filter(pk=messages[1].pk).update(
        failure=failure,
        next_attempt_at=Now() + timedelta(hours=1),
        last_attempt_at=Now() - timedelta(hours=1),
    )
    deliver(messages[0])

    assert len(inbox.mails()) == 1


def test_nobody_is_tried_early_twice_in_a_minute(registered, inbox):
    messages = [registered(email=f"p{count}@example.org").messages.get() for count in range(2)]
    Message.objects.filter(pk=messages[1].pk).update(
        failure="answered 451", next_attempt_at=Now() + timedelta(hours=1), last_attempt_at=Now()
    )
    deliver(messages[0])

    assert len(inbox.mails()) == 1


def test_a_job_goes_on_with_others_only_for_a_while(registered, inbox, monkeypatch):
    messages = [registered(email=f"p{count}@example.org").messages.get() for count in range(3)]
    OrmQ.objects.all().delete()
    monkeypatch.setattr(delivery, "CHAIN_SECONDS", -1)
    deliver(messages[0])

    assert len(inbox.mails()) == 1 and OrmQ.objects.count() == 1


def test_the_job_that_goes_on_comes_to_those_that_are_not_due_yet(registered, inbox, monkeypatch):
    first, waiting = [registered(email=f"p{count}@example.org").messages.get() for count in range(2)]
    Message.objects.filter(pk=waiting.pk).update(
        failure="answered 451", next_attempt_at=Now() + timedelta(hours=1), last_attempt_at=Now() - timedelta(hours=1)
    )
    OrmQ.objects.all().delete()
    monkeypatch.setattr(delivery, "CHAIN_SECONDS", -1)
    deliver(first)
    job = OrmQ.objects.get().task
    tasks.deliver(*job["args"], **job["kwargs"])

    assert len(inbox.mails()) == 2


def test_only_who_holds_the_claim_records(message, inbox):
    delivery._claim(message.pk, "0" * 32)
    message.refresh_from_db()

    delivery._record(message, "1" * 32, None)

    message.refresh_from_db()
    assert message.status == "sending"


def test_a_claim_outlasts_every_attempt_and_its_recording(message):
    delivery._claim(message.pk, "0" * 32)
    message.refresh_from_db()

    longest = timedelta(seconds=email.SECONDS_MOST + delivery.RECORDING_SECONDS + 10)
    assert message.claim_expires_at - message.last_attempt_at > longest


def test_the_outcome_is_recorded_when_the_database_is_back(message, inbox, monkeypatch):
    failures_left = [OperationalError(2006, "away")] * 2
    record = delivery._record

    def away(*args):
        if failures_left:
            raise failures_left.pop()
        record(*args)

    monkeypatch.setattr(delivery, "_record", away)
    monkeypatch.setattr(delivery.time, "sleep", lambda seconds: None)
    monkeypatch.setattr(delivery.connection, "close", lambda: None)
    deliver(message)

    assert message.status == "sent" and len(inbox.mails()) == 1


def test_a_job_never_raises(message, monkeypatch):
    def fail(*args, **kwargs):
        raise RuntimeError("ana@example.org")

    monkeypatch.setattr(delivery, "_claim", fail)

    assert tasks.deliver(message.pk) is None and tasks.deliver(10**9) is None


def test_a_server_that_has_enough_of_a_connection_gets_another(registered, inbox):
    messages = [registered(email=f"p{count}@example.org").messages.get() for count in range(4)]
    inbox.mails_per_connection = 1
    deliver(messages[0])

    assert len(inbox.mails()) == 4 and {message.attempts for message in Message.objects.all()} == {1}


def test_a_server_that_hangs_up_on_one_address_costs_the_others_nothing(registered, inbox):
    bad, *good = [registered(email=f"p{count}@example.org").messages.get() for count in range(4)]
    inbox.hangs_up_on = "p0@example.org"
    deliver(bad)
    deliver(good[0])

    bad.refresh_from_db()
    assert (bad.status, bad.attempts, bad.failure.split()[0]) == ("queued", 1, "interrupted")
    assert len(inbox.mails()) == 3


def test_a_mail_that_was_taken_without_an_answer_may_be_one_twice(message, inbox, monkeypatch):
    monkeypatch.setattr("patients.messages.email.VERDICT_SECONDS", 0.3)
    inbox.seconds_to_verdict = 0.6
    deliver(message)

    assert (message.status, message.failure.split()[0], message.possible_duplicate) == ("queued", "unanswered", True)


def test_half_an_answer_is_none(message, inbox):
    inbox.breaks_off = True
    deliver(message)

    assert (message.status, message.failure.split()[0], message.possible_duplicate) == ("queued", "unanswered", True)


def test_a_verdict_that_takes_longer_than_a_step_is_waited_for(message, inbox, settings):
    settings.EMAIL_TIMEOUT = 0.3
    inbox.seconds_to_verdict = 0.6
    deliver(message)

    assert (message.status, message.attempts) == ("sent", 1)


@pytest.mark.django_db(transaction=True)
def test_a_slow_server_holds_no_worker_up(registered, inbox, monkeypatch):
    slow, quick = (registered(email=f"p{count}@example.org").messages.get() for count in range(2))
    monkeypatch.setattr(delivery, "WORKER_SECONDS", 0.2)
    inbox.seconds_to_verdict = 2
    assert deliver(slow).status == "sending"

    inbox.seconds_to_verdict = 0
    assert deliver(quick).status == "sent"

    wait_until(lambda: Message.objects.get(pk=slow.pk).status == "sent", 10)
    wait_until(lambda: not [thread for thread in threading.enumerate() if "delivery" in thread.name], 10)
    slow.refresh_from_db()
    assert (slow.attempts, slow.possible_duplicate) == (1, False) and len(inbox.mails()) == 2


def test_a_server_that_never_comes_to_an_end_is_cut_off(message, inbox, settings, monkeypatch):
    monkeypatch.setattr("patients.messages.email.SECONDS_MOST", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as server:
        settings.EMAIL_PORT = server.getsockname()[1]
        stop = threading.Event()

        def drip():
            peer, _ = server.accept()
            with peer, suppress(OSError):
                while not stop.wait(0.1):
                    peer.sendall(b"220-wait\r\n")

        thread = threading.Thread(target=drip)
        thread.start()
        deliver(message)
        stop.set()
        thread.join()

    assert (message.status, message.failure.split()[0]) == ("queued", "unreachable")


def test_may_be_given_up(message, receptionist, inbox):
    assert message.give_up(by=receptionist)
    deliver(message)

    assert (message.status, message.failure) == ("failed", "given-up") and inbox.mails() == []
    assert not message.give_up(by=receptionist)
    assert AuditEvent.objects.filter(action="gave_up").count() == 1


def test_every_failure_has_a_sentence():
    for code in failures.SENTENCES:
        assert failures.sentence(f"{code} 451") and "%(" not in failures.sentence(f"{code} 451")
    assert failures.sentence("") == ""
