"""Correcting a record."""

import pytest
from django.core.files.base import ContentFile

from patients.models import AuditEvent, ChangedMeanwhile, EmailTaken, Patient
from patients.photos import cleaning
from patients.tests import pictures


def test_saves_what_changed_and_notes_the_names_of_the_fields(registered, receptionist):
    patient = registered()

    patient.full_name, patient.phone = "Ana Pérez", "+1 202 555 0123"
    patient.correct(by=receptionist)

    patient.refresh_from_db()
    assert (patient.full_name, patient.phone, patient.version) == ("Ana Pérez", "+12025550123", 2)
    assert AuditEvent.objects.filter(action="changed", detail="full_name, phone").count() == 1
    assert list(Patient.objects.search("perez")) == [patient] and not Patient.objects.search("nandu")


def test_changes_nothing_when_nothing_changed(registered, receptionist):
    patient = registered()

    patient.correct(by=receptionist)

    patient.refresh_from_db()
    assert patient.version == 1 and not AuditEvent.objects.filter(action="changed").exists()


def test_an_address_stays_one_patients(registered, receptionist):
    registered()
    juan = registered(full_name="Juan", email="juan@example.org")

    juan.email = "Ana@example.org"
    with pytest.raises(EmailTaken):
        juan.correct(by=receptionist)
    juan.correct(by=receptionist, shared_email=True)

    juan.refresh_from_db()
    assert juan.shared_email and juan.email == "Ana@example.org"
    juan.full_name = "Juan Pérez"
    juan.correct(by=receptionist)
    juan.refresh_from_db()
    assert juan.shared_email and juan.full_name == "Juan Pérez"


def test_a_new_photo_takes_the_old_ones_place(registered, receptionist, stored_files):
    patient = registered()
    before = set(stored_files())

    patient.document_photo = cleaning.clean(ContentFile(pictures.encoded()))
    patient.correct(by=receptionist)

    assert len(stored_files()) == 2 and not before & set(stored_files())
    assert AuditEvent.objects.filter(action="changed", detail="document_photo").exists()


def test_a_refused_change_leaves_record_and_photo_as_they_were(registered, receptionist, stored_files):
    patient = registered()
    before = set(stored_files())

    patient.document_photo = cleaning.clean(ContentFile(pictures.encoded()))
    with pytest.raises(ChangedMeanwhile):
        patient.correct(by=receptionist, version=7)

    assert set(stored_files()) == before
    patient.refresh_from_db()
    assert patient.version == 1
