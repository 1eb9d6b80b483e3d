"""Correcting a record."""

import pytest
from django.contrib.auth.models import User
from django.core.files.base import ContentFile

from patients.models import AuditEvent, ChangedMeanwhile, EmailTaken, Message, Patient
from patients.photos import cleaning, storage
from patients.tests import pictures
from patients.tests.racing import all_at_once


def test_saves_what_changed_and_notes_the_names_of_the_fields(registered, receptionist):
    patient = registered()

    patient.full_name, patient.phone = "Ana Pérez", "+1 202 555 0123"
    patient.correct(["full_name", "phone"], by=receptionist)

    patient.refresh_from_db()
    assert (patient.full_name, patient.phone, patient.version) == ("Ana Pérez", "+12025550123", 2)
    assert AuditEvent.objects.filter(action="changed", detail="full_name, phone").count() == 1
    assert list(Patient.objects.search("perez")) == [patient] and not Patient.objects.search("nandu")


def test_changes_nothing_when_nothing_changed(registered, receptionist):
    patient = registered()

    patient.correct(Patient.CORRECTABLE[:5], by=receptionist)

    patient.refresh_from_db()
    assert patient.version == 1 and not AuditEvent.objects.filter(action="changed").exists()


def test_an_address_stays_one_patients(registered, receptionist):
    registered()
    juan = registered(full_name="Juan", email="juan@example.org")

    juan.email = "Ana@example.org"
    with pytest.raises(EmailTaken):
        juan.correct(["email"], by=receptionist)
    juan.correct(["email"], by=receptionist, shared_email=True)

    juan.refresh_from_db()
    assert juan.shared_email and juan.email == "Ana@example.org"
    juan.full_name = "Juan Pérez"
    juan.correct(["full_name"], by=receptionist)
    juan.refresh_from_db()
    assert juan.shared_email and juan.full_name == "Juan Pérez"


def test_a_new_photo_takes_the_old_ones_place(registered, receptionist, stored_files):
    patient = registered()
    before = set(stored_files())

    patient.document_photo = cleaning.clean(ContentFile(pictures.encoded()))
    patient.correct(["document_photo"], by=receptionist)

    assert len(stored_files()) == 2 and not before & set(stored_files())
    assert AuditEvent.objects.filter(action="changed", detail="document_photo").exists()


def test_a_refused_change_leaves_record_and_photo_as_they_were(registered, receptionist, stored_files):
    patient = registered()
    before = set(stored_files())

    patient.document_photo = cleaning.clean(ContentFile(pictures.encoded()))
    with pytest.raises(ChangedMeanwhile):
        patient.correct(["document_photo"], by=receptionist, version=7)

    assert set(stored_files()) == before
    patient.refresh_from_db()
    assert patient.version == 1


def test_leaves_alone_what_somebody_else_changed_meanwhile(registered, receptionist):
    patient = registered()
    mine, theirs = Patient.objects.get(), Patient.objects.get()
    theirs.phone, theirs.document_photo = "+1 202 555 0123", cleaning.clean(ContentFile(pictures.encoded()))
    theirs.correct(["phone", "document_photo"], by=receptionist)

    mine.full_name = "Ana Pérez"
    mine.correct(["full_name"], by=receptionist)

    patient.refresh_from_db()
    assert (patient.full_name, patient.phone) == ("Ana Pérez", "+12025550123")
    assert patient.photo_fingerprint == theirs.photo_fingerprint and storage.is_whole(patient.document_photo.name)


def test_a_record_removed_meanwhile_is_not_there(registered, receptionist, stored_files):
    patient = registered()
    late = Patient.objects.get()
    patient.erase(by=receptionist)

    late.document_photo = cleaning.clean(ContentFile(pictures.encoded()))
    for deed in (
        lambda: late.correct(["document_photo"], by=receptionist),
        lambda: late.send_confirmation_again(by=receptionist),
        lambda: late.erase(by=receptionist),
    ):
        with pytest.raises(Patient.DoesNotExist):
            deed()
    assert stored_files() == [] and AuditEvent.objects.filter(action="erased").count() == 1


@pytest.mark.django_db(transaction=True)
def test_of_corrections_at_once_none_is_lost_and_the_photo_is_whole(registered, receptionist, stored_files):
    patient = registered()
    photos = [pictures.encoded() for _ in range(3)]

    def change(name, value):
        def deed():
            mine = Patient.objects.get(pk=patient.pk)
            setattr(mine, name, value)
            mine.correct([name], by=User.objects.get())

        return deed

    for count in range(4):
        deeds = [change("document_photo", cleaning.clean(ContentFile(content))) for content in photos]
        raised = all_at_once(*deeds, change("address", f"Rincón {count}"), change("phone", f"+1 202 555 010{count}"))

        patient.refresh_from_db()
        assert raised == []
        assert (patient.address, patient.phone) == (f"Rincón {count}", f"+1202555010{count}")
        assert storage.is_whole(patient.document_photo.name) and len(stored_files()) == 2


@pytest.mark.django_db(transaction=True)
def test_of_many_who_send_again_at_once_one_does(registered, receptionist):
    patient = registered()
    for _ in range(5):
        Message.objects.update(status="sent")
        before = Message.objects.count()

        all_at_once(*[lambda: Patient.objects.get().send_confirmation_again(by=User.objects.get())] * 6)

        assert Message.objects.count() == before + 1
    assert AuditEvent.objects.filter(action="sent_again", patient_number=patient.number).count() == 5


@pytest.mark.django_db(transaction=True)
def test_a_removal_wins_over_what_happens_at_once(new_patient, receptionist, stored_files):
    for _ in range(4):
        patient = new_patient()
        patient.register(by=receptionist, source=Patient.Source.API)

        def change(pk=patient.pk):
            mine = Patient(pk=pk, document_photo=cleaning.clean(ContentFile(pictures.encoded())))
            mine.correct(["document_photo"], by=User.objects.get())

        raised = all_at_once(
            lambda pk=patient.pk: Patient(pk=pk).erase(by=User.objects.get()),
            change,
            lambda pk=patient.pk: Patient(pk=pk).send_confirmation_again(by=User.objects.get()),
        )

        assert set(raised) <= {"DoesNotExist"}
        assert not Patient.objects.exists() and not Message.objects.exists() and stored_files() == []
