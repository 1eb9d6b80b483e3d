"""The watch over all tests sees what it should, and what the request's id connects."""

import json
import logging

import pytest
from django.contrib.admin.models import ADDITION, LogEntry
from django.contrib.sessions.backends.db import SessionStore
from django.core import signing
from django_q.models import OrmQ
from django_q.tasks import async_task

from patients import tasks
from patients.models import AuditEvent, Message
from patients.tests.canaries import Lines, found_in, leaks_in_tables
from patients.tests.conftest import ANA
from registration.logs import JsonFormatter


@pytest.fixture
def clean_up():
    """Take the canaries away again before the watch looks."""
    yield
    for noun in (LogEntry, OrmQ):
        noun.objects.all().delete()
    SessionStore.get_model_class().objects.all().delete()


@pytest.mark.parametrize("value", ANA.values())
def test_sees_plain_signed_packed_and_encoded_data(value):
    assert found_in(value)
    assert found_in(signing.dumps({"kept": value}))
    assert found_in(signing.dumps([value] * 50, compress=True))


def test_sees_what_stands_in_the_admins_log_the_queue_and_sessions(receptionist, clean_up):
    LogEntry.objects.create(user=receptionist, action_flag=ADDITION, object_repr="Ana María Ñandú")
    async_task("patients.tasks.deliver", "ana@example.org")
    session = SessionStore()
    session["search"] = "nandu"
    session.save()

    assert set(leaks_in_tables()) == {"django_admin_log", "django_q_ormq", "django_session"}


def test_sees_a_line_of_the_log():
    lines = Lines()
    record = logging.makeLogRecord({"name": "patients.x", "msg": "no mail to ana@example.org"})

    lines.emit(record)

    assert found_in(lines.lines[0])


def test_a_log_line_holds_only_what_is_allowed():
    record = logging.makeLogRecord(
        {"name": "elsewhere", "msg": "for %s", "args": ("ana@example.org",), "patient": "Ñandú", "message_id": 7}
    )

    line = json.loads(JsonFormatter().format(record))

    assert set(line) == {"time", "level", "logger", "event", "request_id", "message_id"}
    assert line["event"] == "for %s" and not found_in(str(line))


def test_a_requests_id_goes_with_its_job_into_the_worker(api, ana, inbox, nothing_leaks, receptionist, settings):
    settings.PROXIES = 1  # whose id is believed
    inbox.answers["RCPT"] = "451 try later"
    api.post_json("/api/v1/patients/", ana, headers={"X-Request-ID": "registering-ana"})
    job = OrmQ.objects.get()
    job.delete()
    api.get("/api/v1/patients/")  # this thread serves others meanwhile

    tasks.deliver(*job.task["args"])

    (line,) = [line for line in nothing_leaks.lines if "message not sent" in line]
    assert "'request_id': 'registering-ana'" in line
    assert OrmQ.objects.get().task["args"] == (Message.objects.get().pk, "registering-ana")  # the next attempt's
    assert AuditEvent.objects.get(action="registered").request_id == "registering-ana"


def test_nobody_but_the_proxy_says_what_a_requests_id_is(client, settings):
    settings.PROXIES = 0

    assert client.get("/livez", headers={"X-Request-ID": "zebra-canary"})["X-Request-ID"] != "zebra-canary"
