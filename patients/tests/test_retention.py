"""When a photo's time is over, the picture goes and the fact stays."""

from datetime import timedelta

import pytest
from django.core.management import call_command
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils import timezone

from patients.models import AuditEvent, Patient
from patients.tests.conftest import ANA


@pytest.fixture
def old(registered, settings):
    """A patient whose photo was taken in a hundred days ago, in a clinic that keeps photos for ninety."""
    settings.PHOTO_RETENTION_DAYS = 90
    patient = registered(document_kind="passport")
    Patient.objects.update(document_seen_at=timezone.now() - timedelta(days=100))
    patient.refresh_from_db()
    return patient


@pytest.fixture
def gone(old):
    """The same one afterwards."""
    old.delete_photo()
    old.refresh_from_db()
    return old


def test_photos_are_kept_as_long_as_the_record_unless_told_otherwise(old, registered, settings):
    recent = registered(email="juan@example.org")
    assert list(Patient.objects.with_photo_past_its_time()) == [old]

    settings.PHOTO_RETENTION_DAYS = 101
    assert not Patient.objects.with_photo_past_its_time()
    settings.PHOTO_RETENTION_DAYS = 0
    assert not Patient.objects.with_photo_past_its_time() and recent.document_photo


def test_the_picture_goes_and_the_fact_stays(gone, receptionist, stored_files):
    assert stored_files() == [] and not gone.document_photo and gone.photo_fingerprint == ""
    assert (gone.document_kind, gone.document_seen_by, gone.version) == ("passport", receptionist, 2)
    assert gone.document_seen_at < timezone.now() - timedelta(days=99) and gone.photo_deleted_at
    assert AuditEvent.objects.of(gone).first().action == "photo_deleted"
    gone.delete_photo()
    assert AuditEvent.objects.filter(action="photo_deleted").count() == 1
    assert not Patient.objects.with_photo_past_its_time()


def test_every_door_says_so(gone, desk, api, back_office):
    number = gone.display_number

    page = desk.get(gone.get_absolute_url()).content.decode()
    assert "The photo was deleted on" in page and "Passport" in page and "/photo/" not in page
    assert "/photo/" not in desk.get("/patients/").content.decode()
    answer = api.get(f"/api/v1/patients/{number}/").json()
    assert answer["document_photo"] is None and answer["document_kind"] == "passport"
    assert api.get(f"/api/v1/patients/{number}/document-photo/").status_code == 404
    assert desk.get(f"/patients/{number}/photo/").status_code == 404
    admin = back_office.get(reverse("admin:patients_patient_change", args=[gone.pk])).content.decode()
    assert "deleted on" in admin and "/photo/" not in admin
    assert not AuditEvent.objects.filter(action="photo_seen").exists()


def test_the_record_is_corrected_without_a_photo_or_with_a_new_one(gone, desk, upload, stored_files):
    url = f"{gone.get_absolute_url()}change/"

    assert desk.post(url, ANA | {"full_name": "Ana Pérez", "document_kind": "passport"}).status_code == 302
    gone.refresh_from_db()
    assert gone.full_name == "Ana Pérez" and gone.photo_deleted_at and not gone.document_photo
    assert desk.post(url, ANA | {"document_kind": "other", "document_photo": upload()}).status_code == 302

    gone.refresh_from_db()
    assert gone.photo_deleted_at is None and len(stored_files()) == 2 and gone.document_kind == "other"
    assert gone.document_seen_at > timezone.now() - timedelta(minutes=1)


def test_two_whose_photos_are_gone_did_not_use_the_same(gone, registered, desk):
    other = registered(email="juan@example.org")
    other.delete_photo()

    assert "The same photo" not in desk.get(gone.get_absolute_url()).content.decode()


def test_the_sweep_misses_no_photo_that_was_to_go(gone, capsys):
    call_command("sweep_photos")
    call_command("rotate_photo_keys")

    assert "0 left" in capsys.readouterr().out


def test_the_database_lets_no_record_lose_its_photo_otherwise(registered):
    registered()

    with pytest.raises(IntegrityError), transaction.atomic():
        Patient.objects.update(document_photo="")


@pytest.mark.parametrize("kind", ["library_card", 7, None])
def test_an_unknown_kind_is_refused(api, ana, kind):
    response = api.post_json("/api/v1/patients/", ana | {"document_kind": kind})

    assert response.status_code == 400 and response.json()["errors"][0]["field"] == "document_kind"
