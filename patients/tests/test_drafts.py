"""A photo is chosen once: it survives the errors of other fields."""

import re
from datetime import timedelta

import pytest
from django.core import signing
from django.test import Client
from PIL import Image

from patients.models import EmailTaken, Patient, PhotoDraft
from patients.photos import storage
from patients.tests import pictures
from patients.tests.conftest import ANA
from patients.tests.racing import all_at_once

REGISTER, ADD = "/patients/register/", "/admin/patients/patient/add/"


def token(response):
    return re.search(r'name="kept_photo" value="([^"]+)"', response.content.decode())[1]


@pytest.mark.parametrize("door", [REGISTER, ADD])
def test_stays_while_another_field_is_wrong(door, desk, back_office, upload, stored_files):
    browser = back_office if door == ADD else desk
    first = browser.post(door, ANA | {"phone": "1", "document_photo": upload(name="carné <1>.jpg")})

    page = first.content.decode()
    assert "data:image/jpeg;base64," in page
    assert re.search(r"Photo kept: carné &lt;1&gt;.jpg, [\d.]+ kB", page)
    second = browser.post(door, ANA | {"kept_photo": token(first)})

    assert second.status_code == 302
    patient = Patient.objects.get()
    assert storage.is_whole(patient.document_photo.name) and patient.photo_fingerprint
    assert not PhotoDraft.objects.exists() and len(stored_files()) == 2


def test_stays_over_several_errors_and_is_kept_once(desk, upload, stored_files):
    response = desk.post(REGISTER, ANA | {"phone": "1", "document_photo": upload()})
    for _ in range(2):
        response = desk.post(REGISTER, ANA | {"phone": "2", "kept_photo": token(response)})
        assert "Photo kept: document.jpg" in response.content.decode()

    assert PhotoDraft.objects.count() == 1 and len(stored_files()) == 2


def test_another_one_takes_its_place(desk, upload, stored_files):
    first = desk.post(REGISTER, ANA | {"phone": "1", "document_photo": upload()})
    another = upload(pictures.encoded(), "another.jpg")
    second = desk.post(REGISTER, ANA | {"phone": "1", "kept_photo": token(first), "document_photo": another})

    assert "Photo kept: another.jpg" in second.content.decode() and token(second) != token(first)
    assert PhotoDraft.objects.count() == 1 and len(stored_files()) == 2


@pytest.mark.parametrize("content", [b"not a photo", b"", b"\xff\xd8\xff" + b"x" * 200_000])
def test_a_bad_one_does_not_cost_the_kept_one(content, desk, upload, errors, settings):
    first = desk.post(REGISTER, ANA | {"phone": "1", "document_photo": upload()})
    settings.MAX_PHOTO_BYTES = 100_000
    second = desk.post(REGISTER, ANA | {"kept_photo": token(first), "document_photo": upload(content, "bad.jpg")})

    assert second.status_code == 422 and len(errors(second)) == 1
    assert "Photo kept: document.jpg" in second.content.decode() and token(second) == token(first)
    assert desk.post(REGISTER, ANA | {"kept_photo": token(second)}).status_code == 302


def test_what_became_another_patients_meanwhile_is_not_used(desk, upload, registered, monkeypatch):
    url = registered().get_absolute_url() + "change/"
    first = desk.post(url, ANA | {"phone": "1", "version": 1, "document_photo": upload(pictures.encoded())})
    load = PhotoDraft.load
    monkeypatch.setattr(PhotoDraft, "load", lambda draft: (load(draft), PhotoDraft.objects.all().delete())[0])
    response = desk.post(url, ANA | {"version": 1, "kept_photo": token(first)})

    assert response.status_code == 422 and "Select a photo" in response.content.decode()
    assert "Photo kept" not in response.content.decode() and Patient.objects.get().version == 1


def test_is_still_hard_to_read(desk, upload):
    dark = pictures.encoded(pictures.picture().point(lambda value: value // 6))
    first = desk.post(REGISTER, ANA | {"phone": "1", "document_photo": upload(dark)})
    done = desk.post(REGISTER, ANA | {"kept_photo": token(first)}, follow=True)

    assert "dark or not quite sharp" in done.content.decode()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("door", [REGISTER, ADD])
def test_of_two_pages_with_the_same_kept_photo_one_registers(door, desk, back_office, upload, stored_files):
    browser = back_office if door == ADD else desk
    first = browser.post(door, ANA | {"phone": "1", "document_photo": upload()})
    entered, statuses = ANA | {"kept_photo": token(first), "shared_email": "on"}, []

    def send():
        page = Client()
        page.cookies = browser.cookies
        statuses.append(page.post(door, entered).status_code)

    assert all_at_once(*[send] * 4) == []
    assert sorted(statuses) == sorted([302, *[200 if door == ADD else 422] * 3])
    patient = Patient.objects.get()
    assert storage.is_whole(patient.document_photo.name) and len(stored_files()) == 2


def test_is_nobody_elses(desk, upload, member):
    first = desk.post(REGISTER, ANA | {"phone": "1", "document_photo": upload()})
    colleague = Client()
    colleague.force_login(member("Front desk", "colleague"))

    response = colleague.post(REGISTER, ANA | {"kept_photo": token(first)})

    assert response.status_code == 422 and "Select a photo" in response.content.decode()
    assert PhotoDraft.objects.count() == 1


def test_an_invented_or_expired_token_is_no_photo(desk, upload, monkeypatch):
    first = desk.post(REGISTER, ANA | {"phone": "1", "document_photo": upload()})
    for wrong in ("x", token(first)[:-1] + "~", signing.dumps({"key": "x"}), "a" * 10_000):
        assert desk.post(REGISTER, ANA | {"kept_photo": wrong}).status_code == 422
    monkeypatch.setattr(PhotoDraft, "LIFETIME", timedelta(seconds=-1))

    assert desk.post(REGISTER, ANA | {"kept_photo": token(first)}).status_code == 422
    assert not Patient.objects.exists()


def test_stays_when_a_correction_is_wrong(desk, registered, upload):
    patient = registered()
    old = patient.document_photo.name
    url = f"/patients/{patient.display_number}/change/"
    first = desk.post(url, ANA | {"phone": "1", "version": 1, "document_photo": upload(pictures.encoded())})
    desk.post(url, ANA | {"version": 1, "kept_photo": token(first)})

    patient.refresh_from_db()
    assert patient.document_photo.name != old and not storage.is_whole(old)
    assert storage.is_whole(patient.document_photo.name)


def test_a_kept_photo_is_turned_and_kept_so(desk, upload, stored_files):
    first = desk.post(REGISTER, ANA | {"phone": "1", "document_photo": upload()})
    as_it_was = PhotoDraft.objects.get().load()
    turned = {"kept_photo": token(first), "document_photo-turns": "1"}

    second = desk.post(REGISTER, ANA | turned | {"phone": "1"})
    assert "Photo kept: document.jpg" in second.content.decode() and token(second) != token(first)
    assert desk.post(REGISTER, ANA | turned | {"kept_photo": token(second)}).status_code == 302

    patient = Patient.objects.get()
    assert _size(patient.document_photo.safe()) == _size(as_it_was)  # turned twice
    assert patient.photo_fingerprint == as_it_was.fingerprint
    assert len(stored_files()) == 2 and not PhotoDraft.objects.exists()


def test_the_photo_of_a_record_is_turned_and_was_seen_when_it_was_seen(desk, registered, errors):
    patient = registered()
    old, seen = patient.document_photo.safe(), patient.document_seen_at
    url = f"/patients/{patient.display_number}/change/"
    assert f"/patients/{patient.display_number}/photo/?size=thumbnail" in desk.get(url).content.decode()

    wrong = desk.post(url, ANA | {"phone": "1", "version": 1, "document_photo-turns": "3"})
    page = wrong.content.decode()
    assert wrong.status_code == 422 and 'name="document_photo-turns" value="3"' in page and "data:image" not in page
    assert not PhotoDraft.objects.exists()
    desk.post(url, ANA | {"version": 1, "document_photo-turns": "3"})

    patient.refresh_from_db()
    assert _size(patient.document_photo.safe()) == _size(old)[::-1]
    assert (patient.version, patient.document_seen_at) == (2, seen)
    for odd in ("0", "4", "-1", "x"):
        desk.post(url, ANA | {"version": 2, "document_photo-turns": odd})
    storage.discard(patient.document_photo.name)
    lost = desk.post(url, ANA | {"version": 2, "document_photo-turns": "1"})
    assert errors(lost) == ["Select a photo of the identity document"]
    patient.refresh_from_db()
    assert patient.version == 2


def _size(photo):
    return Image.open(photo).size


def test_a_draft_whose_files_are_gone_is_none(desk, upload):
    first = desk.post(REGISTER, ANA | {"phone": "1", "document_photo": upload()})
    storage.discard(PhotoDraft.objects.get().photo)

    response = desk.post(REGISTER, ANA | {"kept_photo": token(first)})

    assert response.status_code == 422 and "Select a photo" in response.content.decode()


def test_stays_when_the_address_is_taken_at_the_last_moment(desk, upload, registered, monkeypatch):
    other = registered(email="juan@example.org")

    def lose(patient, **options):
        raise EmailTaken(other)

    monkeypatch.setattr(Patient, "register", lose)
    response = desk.post(REGISTER, ANA | {"document_photo": upload()})

    assert response.status_code == 422 and "Photo kept: document.jpg" in response.content.decode()


def test_the_form_survives_a_photo_over_the_limit(desk, upload, settings, errors):
    settings.MAX_PHOTO_BYTES = 100_000
    kept = desk.post(REGISTER, ANA | {"document_photo": upload(b"\xff\xd8\xff" + b"x" * 300_000)})
    unread = desk.post(REGISTER, ANA | {"document_photo": upload(b"\xff\xd8\xff" + b"x" * 500_000)})

    assert kept.status_code == 422 and errors(kept) == ["The selected file must be smaller than 0.1MB"]
    assert 'value="ana@example.org"' in kept.content.decode()
    assert unread.status_code == 413 and "choose a smaller photo" in unread.content.decode()
