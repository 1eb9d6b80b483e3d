"""The deed itself: all or nothing, whatever fails, however many come at once."""

from functools import partial

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, OperationalError, connection, transaction
from django_q.models import OrmQ

from patients import numbers, transactions
from patients.models import AuditEvent, AuditHead, Message, Patient, SearchKey
from patients.tests.racing import all_at_once
from patients.transactions import OutcomeUnknown

NOUNS = (Patient, Message, AuditEvent, SearchKey, OrmQ)


@pytest.fixture
def register(new_patient, receptionist):
    return lambda patient=None, **values: (patient or new_patient(**values)).register(
        by=receptionist, source=Patient.Source.FORM
    )


def test_a_refused_one_leaves_nothing(register, stored_files):
    for values in ({"full_name": ""}, {"phone": "1"}, {"email": "x"}):
        with pytest.raises(ValidationError):
            register(**values)

    assert stored_files() == [] and not any(noun.objects.exists() for noun in NOUNS)


@pytest.mark.parametrize("noun", [Message, AuditHead, OrmQ])
def test_a_failure_at_any_step_leaves_nothing(noun, register, stored_files, monkeypatch):
    def fail(*args, **kwargs):
        raise RuntimeError("a defect")

    monkeypatch.setattr(noun, "save", fail)
    with pytest.raises(RuntimeError):
        register()

    assert stored_files() == [] and not any(noun.objects.exists() for noun in NOUNS)


def test_a_full_disk_leaves_nothing(register, stored_files, monkeypatch):
    def fail(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("patients.photos.storage.os.fsync", fail)
    with pytest.raises(OSError):
        register()

    assert stored_files() == [] and not Patient.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_an_unknown_outcome_keeps_the_photo_for_the_sweeper(register, stored_files, monkeypatch):
    def lose_connection():
        raise OperationalError(2013, "Lost connection to server during query")

    monkeypatch.setattr(connection, "_commit", lose_connection)
    with pytest.raises(OutcomeUnknown):
        register()

    assert len(stored_files()) == 2


@pytest.mark.django_db(transaction=True)
def test_must_not_stand_inside_another_transaction(register):
    with pytest.raises(RuntimeError), transaction.atomic():
        register()


@pytest.mark.parametrize("error", [(1213, "Deadlock found"), (1205, "Lock wait timeout"), ("database is locked",)])
def test_is_repeated_when_the_database_asks_for_it(error, register, monkeypatch):
    original, failures = Message.save, [error, error]

    def fail_twice(self, *args, **kwargs):
        if failures:
            raise OperationalError(*failures.pop())
        return original(self, *args, **kwargs)

    monkeypatch.setattr(Message, "save", fail_twice)
    monkeypatch.setattr(transactions.time, "sleep", lambda seconds: None)
    register()

    assert Patient.objects.count() == Message.objects.count() == OrmQ.objects.count() == 1


def test_draws_another_number_when_one_is_taken(register, registered, monkeypatch):
    taken = registered(email="juan@example.org").number
    drawn = iter([taken, taken, "7K4M2Q9X"])
    monkeypatch.setattr(numbers, "new", lambda: next(drawn))

    register()

    assert Patient.objects.filter(number="7K4M2Q9X").exists()


def test_an_error_of_the_database_is_not_mistaken_for_a_taken_address(register, registered, stored_files, monkeypatch):
    def fail(*args, **kwargs):
        raise IntegrityError("CHECK constraint failed")

    monkeypatch.setattr(AuditHead, "save", fail)
    with pytest.raises(IntegrityError):
        register()

    assert stored_files() == []


@pytest.mark.django_db(transaction=True)
def test_of_many_at_once_with_one_address_one_wins(receptionist, new_patient, stored_files):
    for round_number in range(4):
        patients = [new_patient(email=f"twin{round_number}@example.org") for _ in range(12)]

        raised = all_at_once(*[partial(patient.register, by=receptionist, source="api") for patient in patients])

        assert raised == ["EmailTaken"] * 11
        assert Patient.objects.count() == Message.objects.count() == OrmQ.objects.count() == round_number + 1
        assert len(stored_files()) == 2 * (round_number + 1)


def test_names_appear_in_no_str_and_no_job(registered):
    patient = registered()

    shown = " ".join(map(str, [patient, *Message.objects.all(), *AuditEvent.objects.all(), *SearchKey.objects.all()]))
    jobs = " ".join(str(job.task) for job in OrmQ.objects.all())
    assert str(patient) == f"Patient {patient.display_number}"
    for secret in ("Ana", "ana@example.org", "99123456"):
        assert secret not in shown and secret not in jobs


def test_removal_takes_record_messages_and_photo_but_keeps_the_trace(registered, receptionist, stored_files):
    patient = registered()

    patient.erase(by=receptionist)

    assert stored_files() == [] and not any(noun.objects.exists() for noun in (Patient, Message, SearchKey))
    assert [event.action for event in AuditEvent.objects.all()] == ["erased", "registered"]
