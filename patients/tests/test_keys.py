"""Each secret can be changed while everything goes on: no photo, no message, no link and no session is lost."""

import base64
import http.cookiejar
import re
import secrets
import urllib.parse
import urllib.request

import pytest
from django.test import Client

from patients.messages import links
from patients.models import PhotoDraft
from patients.tests.service import Service, free_port, wait_until


def new_key(name):
    return name, secrets.token_bytes(32)


@pytest.fixture
def rotate(settings):
    """Put a new key before the others of a setting; `forget` leaves the newest alone."""

    def change(name, *, forget=False):
        kept = getattr(settings, name)
        setattr(settings, name, kept[:1] if forget else [new_key(f"k{len(kept)}"), *kept])

    return change


def test_a_link_in_a_mail_that_was_sent_works_until_its_key_is_removed(registered, rotate, settings, client):
    path = links.address_link(registered()).removeprefix(settings.SITE_URL)

    rotate("LINK_KEYS")
    assert client.get(path).status_code == 200

    rotate("LINK_KEYS", forget=True)
    assert client.get(path).status_code == 404


def test_a_kept_photo_is_still_kept(new_patient, receptionist, rotate):
    token = PhotoDraft.keep(new_patient().document_photo.file, by=receptionist, name="document.jpg", size=1000)

    rotate("LINK_KEYS")
    assert PhotoDraft.find(token, by=receptionist)[0]

    rotate("LINK_KEYS", forget=True)
    assert PhotoDraft.find(token, by=receptionist) == (None, None)


def test_the_sessions_key_signs_nothing_else(registered, settings, client):
    path = links.address_link(registered()).removeprefix(settings.SITE_URL)

    settings.SECRET_KEY = secrets.token_urlsafe(48)

    assert client.get(path).status_code == 200


def test_who_is_signed_in_stays_so_until_the_old_key_is_removed(receptionist, settings):
    old, new = Client(), Client()
    for client in (old, new):
        client.force_login(receptionist)

    settings.SECRET_KEY_FALLBACKS, settings.SECRET_KEY = [settings.SECRET_KEY], secrets.token_urlsafe(48)
    assert new.get("/patients/").status_code == 200  # and is signed with the new key from now on

    settings.SECRET_KEY_FALLBACKS = []
    assert new.get("/patients/").status_code == 200
    assert old.get("/patients/").status_code == 302


class Browser:
    """Signs in over HTTP and keeps its cookies."""

    def __init__(self, service):
        self.url = service.url
        self.opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()))
        page = self.get("/accounts/login/")
        token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page)[1]
        entered = {"username": "reception", "password": service.accounts["reception"], "csrfmiddlewaretoken": token}
        self.get("/accounts/login/", urllib.parse.urlencode(entered).encode())

    def get(self, path, data=None):
        with self.opener.open(self.url + path, data, timeout=30) as response:
            self.address = response.url
            return response.read().decode(errors="replace")


@pytest.mark.slow
@pytest.mark.once
def test_all_are_rotated_while_people_are_signed_in_and_mail_is_due(tmp_path, ana):
    def base64_key(name):
        return f"{name}:{base64.b64encode(secrets.token_bytes(32)).decode()}"

    secret = secrets.token_urlsafe(48)
    keys = {name: base64_key("old") for name in ("LINK_KEYS", "PHOTO_KEYS", "AUDIT_KEYS")}
    service = Service(tmp_path / "data", SECRET_KEY=secret, **keys, EMAIL_URL=f"smtp://127.0.0.1:{free_port()}")
    service.environ["SECRET_KEY"] = secret  # on MySQL it has made its own
    with service:
        token, browser = service.token(), Browser(service)
        assert "Patients</h1>" in browser.get("/patients/")
        status, patient = service.call("/api/v1/patients/", ana, token=token)
        assert status == 201
        record = f"/api/v1/patients/{patient['number']}/"
        wait_until(lambda: service.call(record, token=token)[1]["confirmation"]["attempts"], 20)
        service.stop()
        link = urllib.parse.urlsplit(service.manage("shell", "-v0", "-c", _LINK).strip()).path

        service.environ |= {name: f"{base64_key('new')} {value}" for name, value in keys.items()}
        service.environ |= {"SECRET_KEY": secrets.token_urlsafe(48), "SECRET_KEY_FALLBACKS": secret}
        del service.environ["EMAIL_URL"]
        service.start()

        assert "Patients</h1>" in browser.get("/patients/") and browser.address.endswith("/patients/")
        assert "Yes, this is me" in browser.get(link)
        assert service.call(f"{record}document-photo/", token=token)[0] == 200
        (mail,) = wait_until(service.mails, 90)
        assert mail["To"] == ana["email"]
        service.manage("rotate_photo_keys")
        service.stop()

        for name in ("LINK_KEYS", "PHOTO_KEYS"):
            service.environ[name] = service.environ[name].split()[0]
        del service.environ["SECRET_KEY_FALLBACKS"]
        service.start()

        assert "Patients</h1>" in browser.get("/patients/") and browser.address.endswith("/patients/")
        assert service.call(f"{record}document-photo/", token=token)[1].startswith(b"\xff\xd8\xff")
        service.manage("verify_audit")


_LINK = """
from datetime import timedelta
from django.db.models.functions import Now
from patients.messages import links
from patients.models import Chore, Message, Patient
Message.objects.update(next_attempt_at=Now() - timedelta(minutes=1))  # due when the service is back
Chore.objects.all().delete()
print(links.address_link(Patient.objects.get()))
"""
