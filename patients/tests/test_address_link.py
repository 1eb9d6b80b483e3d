"""The link in the mail by which whoever has the address says whose it is."""

import re

import pytest
from django.core import signing
from django.test import Client

from patients import tasks
from patients.messages import links
from patients.models import AuditEvent, Message, Patient
from patients.tests.canaries import found_in


@pytest.fixture
def stranger():
    """A browser in which nobody is signed in."""
    return Client()


@pytest.fixture
def patient(registered):
    return registered()


@pytest.fixture
def path(patient, settings):
    return links.address_link(patient).removeprefix(settings.SITE_URL)


def test_is_in_both_parts_of_the_mail_and_names_nobody(patient, path, inbox):
    tasks.deliver(Message.objects.get().pk)

    (mail,) = inbox.mails()
    for part in mail.get_payload():
        text = part.get_payload(decode=True).decode()
        assert re.search(r"http://127.0.0.1:8000/address/[\w:-]+/", text)
    assert not found_in(path)


def test_looking_at_it_changes_nothing(stranger, patient, path):
    page = stranger.get(path)

    assert page.status_code == stranger.head(path).status_code == 200
    assert "Yes, this is me" in page.content.decode() and not found_in(page.content)
    patient.refresh_from_db()
    assert patient.email_state == "unconfirmed"


def test_yes_confirms_the_address(stranger, desk, patient, path):
    assert "is yours" in stranger.post(path, {"answer": "confirmed"}).content.decode()

    patient.refresh_from_db()
    assert patient.email_state == "confirmed"
    assert "confirmed" in desk.get(patient.get_absolute_url()).content.decode()
    assert AuditEvent.objects.get(action="email_confirmed").actor is None


def test_no_stops_mail_until_the_address_is_corrected(stranger, desk, patient, path, inbox, receptionist):
    stranger.post(path, {"answer": "disputed"})
    tasks.deliver(Message.objects.get().pk)

    message = Message.objects.get()
    assert inbox.mails() == [] and (message.status, message.failure) == ("failed", "disputed")
    page = desk.get(patient.get_absolute_url()).content.decode()
    assert "Whoever has this address says" in page and "Send again" not in page
    assert (
        "Correct the address first"
        in desk.post(f"{patient.get_absolute_url()}send-again/", follow=True).content.decode()
    )

    patient.refresh_from_db()
    patient.email = "ana.maria@example.org"
    patient.correct(["email"], by=receptionist)
    assert patient.send_confirmation_again(by=receptionist)
    tasks.deliver(message.pk)

    patient.refresh_from_db()
    assert patient.email_state == "unconfirmed" and [mail["To"] for mail in inbox.mails()] == ["ana.maria@example.org"]


def test_a_link_to_an_address_that_was_corrected_changes_nothing(stranger, patient, path, receptionist):
    patient.email = "ana.maria@example.org"
    patient.correct(["email"], by=receptionist)

    response = stranger.post(path, {"answer": "disputed"})

    assert response.status_code == 404 and "does not work any more" in response.content.decode()
    patient.refresh_from_db()
    assert patient.email_state == "unconfirmed"


def test_another_case_is_the_same_address(stranger, patient, path, receptionist):
    stranger.post(path, {"answer": "disputed"})
    patient.refresh_from_db()
    patient.email = "ANA@example.org"
    patient.correct(["email"], by=receptionist)

    patient.refresh_from_db()
    assert patient.email == "ANA@example.org" and patient.email_state == "disputed"


def test_an_answer_in_the_address_is_none(stranger, patient, path):
    page = stranger.get(f"{path}?answer=disputed")

    patient.refresh_from_db()
    assert patient.email_state == "unconfirmed" and "no-store" in page["Cache-Control"]


def test_an_answer_about_an_address_that_changes_at_this_moment_changes_nothing(patient, receptionist):
    asked = Patient.objects.get()
    patient.email = "ana.maria@example.org"
    patient.correct(["email"], by=receptionist)

    asked.answer_about_email("disputed")

    assert Patient.objects.get().email_state == "unconfirmed"


def test_a_forged_or_old_link_is_told_from_a_good_one(stranger, patient, path, monkeypatch):
    forged = [
        path[:-2] + ("a/" if path[-2] != "a" else "b/"),
        "/address/x/",
        f"/address/{signing.dumps([patient.number, 'x'])}/",
        f"/address/{signing.dumps(['7K4M2Q9X', 'x'], salt='patients.address')}/",
    ]
    for wrong in forged:
        assert stranger.get(wrong).status_code == stranger.post(wrong, {"answer": "disputed"}).status_code == 404
    monkeypatch.setattr(links, "LIFETIME", -1)
    assert stranger.post(path, {"answer": "disputed"}).status_code == 404

    assert Patient.objects.get().email_state == "unconfirmed"


def test_an_answer_about_who_is_erased_at_this_moment_finds_nobody(stranger, patient, path, receptionist, monkeypatch):
    asked = Patient.objects.get()
    patient.erase(by=receptionist)
    monkeypatch.setattr(links, "patient_of", lambda token: asked)

    assert stranger.post(path, {"answer": "confirmed"}).status_code == 404


@pytest.mark.parametrize("answer", ["", "unconfirmed", "x"])
def test_another_answer_is_none(answer, stranger, patient, path):
    assert stranger.post(path, {"answer": answer}).status_code == 200

    patient.refresh_from_db()
    assert patient.email_state == "unconfirmed"
