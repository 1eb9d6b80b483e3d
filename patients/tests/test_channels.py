"""Text messages to a local stand-in of a provider, and what a third channel takes."""

import base64
import threading
import time
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import parse_qs

import pytest

from patients import tasks
from patients.checks import text_message as text_message_check
from patients.messages import sms
from patients.messages.channels import Channel, channel
from patients.models import Message, Patient
from patients.tests.canaries import found_in


class Provider(HTTPServer):
    """Takes messages as the common providers do; answers with `status`."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.status, self.requests, self.seconds = 201, [], 0


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        time.sleep(self.server.seconds)
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.server.requests.append((self.path, self.headers["Authorization"], parse_qs(body)))
        self.send_response(self.server.status)
        if 300 <= self.server.status < 400:
            self.send_header("Location", "http://127.0.0.1:1/")
        with suppress(OSError):  # who waited for the answer may have gone
            self.end_headers()
            self.wfile.write(b'{"sid": "SM1"}')

    def log_message(self, *args):
        pass


@pytest.fixture
def provider(settings):
    server = Provider()
    thread = threading.Thread(target=server.serve_forever, args=[0.01])
    thread.start()
    settings.SMS_URL = f"http://account:to%2Fken@127.0.0.1:{server.server_port}/Messages.json?from=+12025550188"
    settings.MESSAGE_CHANNELS = settings.MESSAGE_CHANNELS | {"sms": "patients.messages.sms.Sms"}
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def text_message():
    return Message.objects.get(channel="sms")


def deliver():
    tasks.deliver(text_message().pk)
    return text_message()


def test_is_off_by_default(registered):
    registered()

    assert [message.channel for message in Message.objects.all()] == ["email"]


def test_is_sent_beside_the_mail(registered, provider):
    patient = registered()

    message = deliver()

    ((path, authorization, fields),) = provider.requests
    assert message.status == "sent" and path == "/Messages.json"
    assert base64.b64decode(authorization.removeprefix("Basic ")) == b"account:to/ken"
    assert fields["To"] == ["+59899123456"] and fields["From"] == ["+12025550188"]
    assert patient.display_number in fields["Body"][0] and not found_in(fields["Body"][0])
    assert Message.objects.get(channel="email").status == "queued" and patient.confirmation.channel == "email"
    assert Patient.objects.with_confirmation_status().get().confirmation_label == "queued"


@pytest.mark.parametrize(
    ("status", "result", "failure"),
    [
        (400, "failed", "answered 400"),
        (422, "failed", "answered 422"),
        (401, "queued", "refused 401"),
        (302, "queued", "refused 302"),
        (429, "queued", "refused 429"),
        (500, "queued", "refused 500"),
    ],
)
def test_what_the_provider_answers_decides(status, result, failure, registered, provider):
    registered()
    provider.status = status

    message = deliver()

    assert (message.status, message.failure) == (result, failure)


def test_a_provider_that_is_away_is_tried_again(registered, provider, settings):
    registered()
    settings.SMS_URL = "http://a:b@127.0.0.1:1/?from=+12025550188"

    assert (deliver().status, text_message().failure) == ("queued", "unreachable ConnectionRefusedError")


def test_a_number_that_cannot_receive_one_is_passed_over_with_the_reason(registered, provider, desk):
    patient = registered(phone="+44 20 7946 0018")

    message = text_message()
    assert (message.status, message.failure) == ("failed", "no-text-messages") and provider.requests == []
    assert "cannot receive text messages" in desk.get(patient.get_absolute_url()).content.decode()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a" * 160, ("GSM-7", 160, 1)),
        ("a" * 161, ("GSM-7", 161, 2)),
        ("€" * 80, ("GSM-7", 160, 1)),
        ("€" * 81, ("GSM-7", 162, 2)),
        ("ñ" * 160, ("GSM-7", 160, 1)),
        ("í" * 70, ("UCS-2", 70, 1)),
        ("í" * 71, ("UCS-2", 71, 2)),
        ("👩" * 35, ("UCS-2", 70, 1)),
        ("👩" * 36, ("UCS-2", 72, 2)),
    ],
)
def test_knows_how_long_a_text_is(text, expected):
    assert sms.parts(text) == expected


@pytest.mark.parametrize("language", ["en", "es"])
def test_our_text_fits_in_two(language):
    assert sms.parts(sms.text(language, "7K4M-2Q9X"))[2] <= 2


def test_a_clinic_is_told_of_a_text_that_takes_more(settings, provider):
    assert text_message_check(None) == []

    settings.CLINIC_NAME = "Clínica de la Asociación Médica de Rehabilitación y Traumatología de Río Negro y Paysandú"

    assert [warning.id for warning in text_message_check(None)] == ["patients.W001"]


def test_a_provider_that_takes_it_without_an_answer_may_have_sent_it(registered, provider, monkeypatch):
    monkeypatch.setattr(sms, "STEP_SECONDS", 0.3)
    provider.seconds = 0.6
    registered()

    message = deliver()

    assert (message.status, message.failure.split()[0], message.possible_duplicate) == ("queued", "unanswered", True)


def test_no_proxy_of_the_environment_sees_a_number(registered, provider, monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    registered()

    assert deliver().status == "sent"


def test_switching_it_off_ends_what_waits_and_breaks_nothing(registered, provider, settings, desk, back_office):
    patient = registered()
    del settings.MESSAGE_CHANNELS["sms"]

    assert (deliver().status, text_message().failure) == ("failed", "channel-off")
    assert "switched off" in desk.get(patient.get_absolute_url()).content.decode()
    assert back_office.get("/admin/patients/message/").status_code == 200


def test_sending_a_text_again_sends_no_mail(registered, provider, back_office):
    registered()
    provider.status = 400
    failed = deliver()

    back_office.post("/admin/patients/message/", {"action": "send_again", "_selected_action": [failed.pk]})

    assert text_message().status == "queued" and Message.objects.filter(channel="email").count() == 1


class Pigeon(Channel):
    label = "pigeon"
    sent = []

    @contextmanager
    def session(self):
        yield lambda message: self.sent.append(message.patient.number)


def test_a_third_channel_is_a_class_and_a_setting(registered, settings, desk):
    settings.MESSAGE_CHANNELS = settings.MESSAGE_CHANNELS | {"pigeon": "patients.tests.test_channels.Pigeon"}
    patient = registered()

    tasks.deliver(Message.objects.get(channel="pigeon").pk)

    assert Message.objects.get(channel="pigeon").status == "sent"
    assert channel("pigeon").sent == [Patient.objects.get().number]
    assert "pigeon" in desk.get(patient.get_absolute_url()).content.decode()
