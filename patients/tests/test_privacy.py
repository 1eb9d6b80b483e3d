"""What nobody else may see: photos, and what a person entered in the places where it doesn't belong."""

import pytest
from django.contrib.sessions.models import Session
from django.test import Client

from patients import numbers
from patients.models import AuditEvent
from patients.tests.conftest import ANA
from registration.logs import JsonFormatter


@pytest.fixture
def photo_url(registered):
    return f"/patients/{registered().display_number}/photo/"


def test_a_photo_is_shown_with_strict_headers_after_a_note_of_who_sees_it(desk, photo_url, receptionist):
    response = desk.get(photo_url)

    assert b"".join(response.streaming_content).startswith(b"\xff\xd8\xff")
    number = photo_url.split("/")[2]
    assert response["Content-Type"] == "image/jpeg"
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Content-Disposition"] == f'inline; filename="{number}.jpg"'
    assert response["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert response["Cache-Control"] == "private, no-store"
    event = AuditEvent.objects.get(action="photo_seen")
    assert (event.actor, event.patient_number, event.request_id) == (
        receptionist,
        number.replace("-", ""),
        response["X-Request-ID"],
    )


def test_a_thumbnail_is_smaller_and_noted_too(desk, photo_url):
    whole = b"".join(desk.get(photo_url).streaming_content)
    small = b"".join(desk.get(photo_url, {"size": "thumbnail"}).streaming_content)

    assert len(small) < len(whole)
    assert [event.detail for event in AuditEvent.objects.filter(action="photo_seen")] == ["thumbnail", ""]


def test_no_photo_without_the_note(desk, photo_url, monkeypatch):
    def fail(*args, **kwargs):
        raise RuntimeError("the audit cannot be written")

    monkeypatch.setattr(AuditEvent, "record", fail)
    desk.raise_request_exception = False

    assert desk.get(photo_url).status_code == 500


def test_no_photo_without_the_permission_and_no_word_whether_there_is_one(client, photo_url, member):
    assert client.get(photo_url).status_code == 302
    user = member("Reader")
    user.groups.clear()
    client.force_login(user)

    unknown_url = f"/patients/{numbers.new()}/photo/"
    hidden, unknown = client.get(photo_url), client.get(unknown_url)

    assert client.head(photo_url).status_code == client.head(unknown_url).status_code == 404
    assert hidden.status_code == unknown.status_code == 404 and hidden.content == unknown.content
    assert not AuditEvent.objects.filter(action="photo_seen").exists()


def test_every_way_of_asking_for_a_photo_is_noted(desk, photo_url):
    for method in ("get", "head"):
        headers = {"If-None-Match": "*", "If-Modified-Since": "Fri, 01 Jan 2100 00:00:00 GMT", "Range": "bytes=0-1"}
        assert getattr(desk, method)(photo_url, headers=headers).status_code == 200
    assert desk.post(photo_url).status_code == 405

    assert AuditEvent.objects.filter(action="photo_seen").count() == 2


def test_the_note_comes_before_the_file_is_opened(desk, photo_url, settings):
    for file in settings.MEDIA_ROOT.rglob("*.jpg"):
        file.unlink()

    assert desk.get(photo_url).status_code == 404
    assert AuditEvent.objects.filter(action="photo_seen").count() == 1


def test_the_media_folder_has_no_address(desk, registered):
    patient = registered()

    for url in (f"/media/{patient.document_photo.name}", f"/{patient.document_photo.name}"):
        assert desk.get(url).status_code == 404


def test_a_session_keeps_nothing_of_a_patient(desk, upload):
    desk.post("/patients/register/", ANA | {"document_photo": upload()})

    kept = str([session.get_decoded() for session in Session.objects.all()]) + str(desk.cookies)
    assert "ana@example.org" not in kept and "Ñandú" not in kept


def test_errors_and_logs_name_nobody(desk, upload, caplog, monkeypatch):
    def fail(*args, **kwargs):
        raise RuntimeError("Duplicate entry 'ana@example.org' for Ana María Ñandú")

    monkeypatch.setattr(AuditEvent, "record", fail)
    desk.raise_request_exception = False
    response = desk.post("/patients/register/", ANA | {"document_photo": upload()})

    assert response.status_code == 500 and "What you entered was not saved" in response.content.decode()
    log = "\n".join(JsonFormatter().format(record) for record in caplog.records)
    assert '"exception": "RuntimeError"' in log and '"route": "patients:register"' in log
    for secret in ("ana@example.org", "Ñandú", "99 123"):
        assert secret not in log and secret not in response.content.decode()


def test_every_page_carries_the_security_headers(client):
    for url in ("/accounts/login/", "/nowhere/", "/api/v1/patients/", "/api/docs/"):
        headers = client.get(url).headers
        assert "default-src 'self'" in headers["Content-Security-Policy"]
        assert "unsafe" not in headers["Content-Security-Policy"]
        assert headers["X-Content-Type-Options"] == "nosniff" and headers["X-Frame-Options"] == "DENY"
        assert headers["Referrer-Policy"] == "same-origin" and "camera=(self)" in headers["Permissions-Policy"]


def test_pages_with_patients_are_kept_in_no_cache(desk, registered):
    number = registered().display_number

    for url in ("/patients/", f"/patients/{number}/", "/patients/register/"):
        assert "no-store" in desk.get(url)["Cache-Control"]


def test_an_unknown_host_is_refused_but_health_is_told_anywhere():
    stranger = Client(headers={"host": "evil.example"})

    assert stranger.get("/patients/").status_code == 400
    assert stranger.get("/livez").status_code == 200


@pytest.mark.django_db(transaction=True)
def test_is_ready_only_when_all_is_well(client, monkeypatch):
    assert client.get("/readyz").status_code == 200

    monkeypatch.setattr("patients.messages.health.is_keeping_up", lambda: False)

    response = client.get("/readyz")
    assert (response.status_code, response.content) == (503, b"unavailable\n")
    assert client.get("/livez").status_code == 200
