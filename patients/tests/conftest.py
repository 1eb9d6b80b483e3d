"""The world in which the tests speak: a clinic, its staff, a client of the API, an inbox."""

import asyncio
import base64
import json
import mailbox
import re
import signal
import socket

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP
from django.contrib.auth.models import Group, User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import translation

from patients.models import ApiToken, Patient
from patients.photos import cleaning
from patients.tests import pictures
from patients.tests.browser import chromium, form, launch, new_page, page, session_of  # noqa: F401
from patients.tests.canaries import nothing_leaks  # noqa: F401 — watches every test
from patients.tests.service import Service

ANA = {
    "full_name": "Ana María Ñandú",
    "email": "ana@example.org",
    "phone": "+598 99 123 456",
    "address": "Rincón 487\nMontevideo",
    "date_of_birth": "1984-02-29",
}


@pytest.fixture(autouse=True)
def surroundings(settings, tmp_path):
    """Every test has a media folder of its own, and needs no collected static files."""
    settings.MEDIA_ROOT = tmp_path / "media"
    settings.MEDIA_ROOT.mkdir()
    settings.ERASURES_FILE = tmp_path / "erased.txt"
    settings.STATIC_ROOT = tmp_path / "static"
    settings.STATIC_ROOT.mkdir()
    settings.STORAGES = settings.STORAGES | {
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    }
    yield
    translation.deactivate()  # a request leaves its language behind


@pytest.fixture(scope="session")
def photo():
    """The bytes of a good photo, hardly larger than its thumbnail: most tests register somebody."""
    return pictures.encoded(pictures.picture((500, 334)))


@pytest.fixture
def upload(photo):
    """Return a new file as a browser sends it; its name and its type are the sender's word."""

    def make(content=photo, name="document.jpg", content_type="image/jpeg"):
        return SimpleUploadedFile(name, content, content_type)

    return make


@pytest.fixture
def member(db):
    """Return a new member of staff with a role."""

    def make(role, username=None):
        user = User.objects.create_user(username or role.lower().replace(" ", "-"))
        user.groups.add(Group.objects.get(name=role))
        return user

    return make


@pytest.fixture
def receptionist(member):
    return member("Front desk")


@pytest.fixture
def desk(receptionist):
    """A browser at the front desk, signed in."""
    client = Client()
    client.force_login(receptionist)
    return client


@pytest.fixture
def back_office(db):
    """A browser in which a superuser is signed in."""
    client = Client()
    client.force_login(User.objects.create_superuser("admin"))
    return client


class ApiClient(Client):
    """A client of the JSON API; `post_json` and `patch_json` send dictionaries."""

    def post_json(self, path, body, **extra):
        text = body if isinstance(body, str | bytes) else json.dumps(body)
        return self.post(path, text, content_type="application/json", **extra)

    def patch_json(self, path, body, **extra):
        return self.patch(path, json.dumps(body), content_type="application/json", **extra)


@pytest.fixture
def api(receptionist):
    token = ApiToken.issue(receptionist, days=1)
    return ApiClient(headers={"Authorization": f"Bearer {token}"})


@pytest.fixture
def ana(photo):
    """What the API is sent to register Ana."""
    return ANA | {"document_photo": base64.b64encode(photo).decode()}


@pytest.fixture(scope="session")
def safe_photo(photo):
    """Return what the good photo is made into, each time as another file: it's decoded once for all tests."""
    safe = cleaning.clean(SimpleUploadedFile("x", photo))
    picture = safe.read()
    return lambda: cleaning.SafePhoto(picture, safe.thumbnail, safe.fingerprint)


@pytest.fixture
def new_patient(safe_photo):
    """Return an unsaved patient, as the doors hand one to register()."""

    def make(**values):
        patient = Patient(**(ANA | values))
        patient.document_photo = safe_photo()
        return patient

    return make


@pytest.fixture
def registered(new_patient, receptionist):
    """Register a patient and return them."""

    def make(**values):
        patient = new_patient(**values)
        patient.register(by=receptionist, source=Patient.Source.FORM)
        return patient

    return make


@pytest.fixture
def message(registered):
    return registered().messages.get()


@pytest.fixture
def stored_files(settings):
    """Return the files in the media folder."""
    return lambda: [file for file in settings.MEDIA_ROOT.rglob("*") if file.is_file()]


class Inbox:
    """A real SMTP server on loopback; `answers` maps a command to what it replies instead of accepting.

    For DATA that is the reply to the mail itself, for BEFORE_DATA the one to the command.
    """

    def __init__(self, folder):
        self.maildir = mailbox.Maildir(folder)
        self.answers = {}
        self.connections = 0
        self.mails_per_connection, self.hangs_up_on, self.seconds_to_verdict = None, None, 0
        self.breaks_off = False

    async def handle_EHLO(self, server, session, envelope, hostname, responses):
        self.connections += 1
        session.host_name, session.mails = hostname, 0
        return responses

    async def handle_MAIL(self, server, session, envelope, address, options):
        if "MAIL" in self.answers:
            return self.answers["MAIL"]
        if session.mails == self.mails_per_connection:
            return "421 enough"
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(self, server, session, envelope, address, options):
        if "RCPT" in self.answers:
            return self.answers["RCPT"]
        if address == self.hangs_up_on:
            server.transport.close()
            return None
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        if "DATA" in self.answers:
            return self.answers["DATA"]
        message = mailbox.MaildirMessage(envelope.content)
        message["X-Recipients"] = ", ".join(envelope.rcpt_tos)
        self.maildir.add(message)
        session.mails += 1
        await asyncio.sleep(self.seconds_to_verdict)
        if self.breaks_off:
            server.transport.write(b"2")
            server.transport.close()
            return None
        return "250 OK"

    def mails(self):
        return list(self.maildir)


class InboxServer(SMTP):
    async def smtp_DATA(self, arg):
        if answer := self.event_handler.answers.get("BEFORE_DATA"):
            await self.push(answer)
        else:
            await super().smtp_DATA(arg)


class InboxController(Controller):
    def factory(self):
        return InboxServer(self.handler, **self.SMTP_kwargs)


@pytest.fixture
def inbox(settings, tmp_path):
    inbox = Inbox(tmp_path / "mail")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    controller = InboxController(inbox, hostname="127.0.0.1", port=port)
    controller.start()
    settings.EMAIL_BACKEND = "patients.messages.email.Connection"
    settings.EMAIL_HOST = "127.0.0.1"
    settings.EMAIL_PORT = port
    settings.EMAIL_TIMEOUT = 2
    inbox.stop = controller.stop
    yield inbox
    if controller.server:
        controller.stop()


@pytest.fixture
def errors():
    """Return the texts of a page's error summary."""

    def find(response):
        summary = response.content.decode().split('id="error-summary"')[1].split("</ul>")[0]
        return re.findall(r"<li>(?:<a[^>]*>)?([^<]+)", summary)

    return find


@pytest.fixture(scope="session")
def service(tmp_path_factory):
    """The whole service, running; who stops or kills it starts one of their own."""
    with Service(tmp_path_factory.mktemp("service") / "data") as service:
        yield service


def pytest_configure():
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # told to end, a run stops the services that it started


def pytest_addoption(parser):
    parser.addoption("--cases", type=int, default=800, help="made-up requests for each kind of each call (800)")
