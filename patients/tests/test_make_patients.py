"""Patients who don't exist, for trials with many."""

import itertools
import random
import re

import pytest
from django.core.management import CommandError, call_command
from django.urls import reverse
from django_q.models import OrmQ

from patients import made_up, search, validators
from patients.messages import health
from patients.models import AuditEvent, Message, Patient, SearchKey


@pytest.fixture
def few(monkeypatch):
    """Make 30 patients, with two pictures, in batches of 12."""
    monkeypatch.setattr("patients.management.commands.make_patients.PHOTOS", 2)
    monkeypatch.setattr("patients.management.commands.make_patients.BATCH", 12)
    return lambda *options: call_command("make_patients", 30, *options)


def test_makes_patients_that_every_page_shows_and_the_search_finds(db, desk, few, capsys):
    few()

    assert Patient.objects.count() == Message.objects.count() == 30
    assert "30 of 30" in capsys.readouterr().err
    patient = Patient.objects.order_by("?").first()
    assert desk.get(patient.get_absolute_url()).status_code == 200
    assert desk.get(f"{patient.get_absolute_url()}photo/").status_code == 200
    found = desk.get(reverse("patients:list"), {"search": patient.full_name}).context["patients"]
    assert patient in found
    assert {key for _, key, _, _ in SearchKey.rows_of(patient)} == {key.key for key in patient.search_keys.all()}


def test_nothing_is_owed_to_them_and_nobody_did_it(db, few):
    few()

    report = health.report()
    assert report["due"] == report["without_message"] == 0 and not OrmQ.objects.exists()
    assert not AuditEvent.objects.exists()


def test_refuses_where_patients_are_unless_asked(registered, few):
    registered()

    with pytest.raises(CommandError, match="may be real"):
        few()
    assert Patient.objects.count() == 1
    few("--among-patients")
    few("--among-patients")
    assert Patient.objects.count() == 61


def test_their_photos_are_swept_like_others_and_stay_while_somebody_has_them(
    db, few, receptionist, capsys, new_patient
):
    few()
    first, second, *rest = Patient.objects.all()

    first.erase(by=receptionist)
    second.document_photo = new_patient().document_photo.file
    second.correct(["document_photo"], by=receptionist)
    call_command("sweep_photos", "--verify")  # raises when a record's photo is missing or unreadable

    assert "0 files without a record" in capsys.readouterr().out
    for patient in rest:
        patient.erase(by=receptionist)
    call_command("sweep_photos")
    assert Patient.objects.count() == 1


def test_the_last_one_to_have_a_photo_takes_it_along(db, few, receptionist, stored_files):
    few()

    for patient in Patient.objects.all():
        patient.erase(by=receptionist)

    assert stored_files() == []


def test_they_keep_the_rules_and_reach_nobody():
    people = list(itertools.islice(made_up.people(random.Random(7), 1), 300))  # noqa: S311

    for values in people:
        assert validators.full_name(values["full_name"]) == values["full_name"]
        assert validators.email(values["email"]) == values["email"]
        assert re.search(r"[@.]example\.(com|org|net)$", values["email"])
        assert validators.phone(values["phone"]) == values["phone"]
        if values["date_of_birth"]:
            validators.date_of_birth(values["date_of_birth"])
    assert len({values["email"] for values in people}) == 300
    assert {search.fold(values["full_name"]).isascii() for values in people} == {True, False}
