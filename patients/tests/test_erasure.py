"""Who was erased is gone everywhere, and doesn't come back with a backup."""

import time
from datetime import timedelta
from pathlib import Path

import pytest
from django.apps import apps
from django.contrib.admin.models import LogEntry
from django.core.files.base import ContentFile
from django.core.management import CommandError, call_command
from django.db import connection, models
from django.urls import reverse
from django.utils import timezone

from patients.admin import PatientAdmin
from patients.management.commands import mailworker
from patients.models import AuditEvent, Erasure, Message, Patient, PhotoDraft, Submission
from patients.photos import cleaning
from patients.tests.canaries import leaks_in_tables


@pytest.fixture
def ana(registered, new_patient, photo, receptionist, back_office):
    """A patient with everything that there can be of one."""
    twin = registered(email="twin@example.org")
    patient = new_patient()
    submission = Submission.of(receptionist, "a key", "what was sent")
    patient.register(by=receptionist, source=Patient.Source.API, submission=submission, apart_from=[twin])
    twin.erase(by=None)
    PhotoDraft.keep(cleaning.clean(ContentFile(photo)), by=receptionist, name="card.jpg", size=1)
    back_office.post(
        reverse("admin:patients_patient_change", args=[patient.pk]),
        {"full_name": "Ana Ñandú", "email": "ana@example.org", "phone": "+59899123456", "language": "es"},
    )
    assert LogEntry.objects.exists()
    return patient


def rows():
    return {
        model._meta.db_table: models.QuerySet(model).count()
        for model in apps.get_models()
        if model._meta.db_table.startswith(("patients_", "django_admin"))
    }


def restore(patient):
    """What a backup from before the erasure brings back: the record, its photo, and no word of the erasure."""
    patient.document_photo = cleaning.clean(ContentFile(restore.photo))
    patient._store_photo()
    patient.save(force_insert=True)
    Message.owe(patient, "email")
    Erasure.objects.all().delete()


def all_but_erased(patient, monkeypatch):
    """Return the address that erases the patient, whom somebody else erases between the question and the deed."""
    ask = PatientAdmin.get_deleted_objects

    def ask_too_late(self, patients, request):
        answer = ask(self, patients, request)
        Patient.objects.get(pk=patient.pk).erase(by=None)
        return answer

    monkeypatch.setattr(PatientAdmin, "get_deleted_objects", ask_too_late)
    return reverse("admin:patients_patient_delete", args=[patient.pk])


def test_leaves_the_number_in_the_audit_and_nothing_else(ana, stored_files, capsys):
    call_command("erase_patient", ana.display_number.lower())

    left = {table for table, count in rows().items() if count}
    assert left == {"patients_auditevent", "patients_audithead", "patients_erasure"}
    assert stored_files() == [] and leaks_in_tables() == {} and "was erased" in capsys.readouterr().out
    last = AuditEvent.objects.of(ana).first()
    assert (last.action, last.actor) == ("erased", None)


def test_in_admin_it_is_confirmed_and_leaves_no_log_entry(ana, back_office):
    url = reverse("admin:patients_patient_delete", args=[ana.pk])
    assert "Are you sure" in back_office.get(url).content.decode() and Patient.objects.exists()

    back_office.post(url, {"post": "yes"})

    assert not Patient.objects.exists() and not LogEntry.objects.exists()
    assert AuditEvent.objects.of(ana).first().actor.username == "admin"


def test_of_two_who_erase_at_once_neither_leaves_a_log_entry(ana, back_office, monkeypatch):
    other = all_but_erased(ana, monkeypatch)

    assert back_office.post(other, {"post": "yes"}).status_code == 404
    assert not LogEntry.objects.exists()


def test_a_number_that_was_merged_into_it_does_too(ana, registered, receptionist, capsys):
    other = registered(full_name="Ana Ñ", email="other@example.org")
    ana.merge(other, by=receptionist)

    call_command("erase_patient", other.display_number)

    assert not Patient.objects.exists() and ana.display_number in capsys.readouterr().out


def test_a_wrong_number_erases_nobody(registered):
    registered()

    with pytest.raises(CommandError, match="There is no patient"):
        call_command("erase_patient", "7K4M-2Q9X")
    assert Patient.objects.exists()


def test_a_restored_backup_is_put_right(ana, photo, stored_files, settings, capsys):
    restore.photo = photo
    ana.erase(by=None)
    restore(ana)
    assert ana.number in settings.ERASURES_FILE.read_text()
    assert settings.ERASURES_FILE.stat().st_mode & 0o777 == 0o600

    call_command("erase_again")

    assert "1 patients erased again" in capsys.readouterr().out
    assert not Patient.objects.exists() and stored_files() == [] and Erasure.objects.filter(number=ana.number).exists()
    call_command("erase_again")
    assert "0 patients" in capsys.readouterr().out


def test_a_copy_of_the_list_does_when_the_list_was_lost_too(ana, photo, settings, tmp_path):
    restore.photo = photo
    ana.erase(by=None)
    copy = settings.ERASURES_FILE.rename(tmp_path / "copy.txt")
    restore(ana)

    call_command("erase_again")
    assert Patient.objects.exists()
    call_command("erase_again", str(copy))

    assert not Patient.objects.exists() and ana.number in settings.ERASURES_FILE.read_text()
    with pytest.raises(CommandError, match="There is no file"):
        call_command("erase_again", str(tmp_path / "nowhere.txt"))


def test_the_list_is_made_whole_from_the_table(settings, db):
    Erasure.objects.create(number="7K4M2Q9X")
    settings.ERASURES_FILE.write_text(
        "AAAAAAAA 2026-13-45T00:00:00+00:00\n7K4M2"
    )  # damaged; a crash while it was written

    Patient.erase_again()
    Patient.erase_again()

    assert settings.ERASURES_FILE.read_text().count("7K4M2Q9X ") == 1


def test_somebody_new_with_an_old_number_stays(registered):
    patient = registered()
    Erasure.objects.create(number=patient.number, at=patient.registered_at - timedelta(days=1))

    assert Patient.erase_again() == 0 and Patient.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_no_file_of_the_database_repeats_it(registered):
    patient = registered(full_name="Wilhelmina Quetzal")
    assert Patient.objects.filter(full_name="Wilhelmina Quetzal").exists()
    files = [Path(f"{connection.settings_dict['NAME']}{suffix}") for suffix in ("", "-wal")]
    kept = [file for file in files if connection.vendor == "sqlite"]  # a server's files are its own

    assert not kept or any(b"Wilhelmina" in file.read_bytes() for file in kept)
    patient.erase(by=None)

    assert not any(b"Wilhelmina" in file.read_bytes() or b"quetzal" in file.read_bytes() for file in kept)


def test_the_worker_does_it_all(ana, registered, photo, settings, stored_files, monkeypatch):
    monkeypatch.setattr(mailworker, "close_old_connections", lambda: None)  # it would close the test's own
    restore.photo = photo
    ana.erase(by=None)
    restore(ana)
    settings.PHOTO_RETENTION_DAYS = 90
    old = registered(email="juan@example.org")
    Patient.objects.filter(pk=old.pk).update(document_seen_at=timezone.now() - timedelta(days=91))
    worker = mailworker.Command()
    worker.name, worker.restarts, worker.started, worker.sweeper = "a worker", 0, time.monotonic(), None
    worker._sweep_photos = lambda: None

    assert not worker._look_after()

    old.refresh_from_db()
    assert list(Patient.objects.all()) == [old] and not old.document_photo and stored_files() == []
