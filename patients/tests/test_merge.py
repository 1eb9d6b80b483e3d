"""Two records of one person become one, which both numbers lead to."""

from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.core.files.base import ContentFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from patients import numbers
from patients.messages import delivery, links
from patients.models import (
    AuditEvent,
    Erasure,
    FormerNumber,
    KnownApart,
    Message,
    Patient,
    PhotoDraft,
    SearchKey,
    Submission,
)
from patients.photos import cleaning
from patients.tests import pictures
from patients.tests.racing import all_at_once
from patients.tests.test_erasure import restore


@pytest.fixture
def administrator(member):
    return member("Administrator")


@pytest.fixture
def office(administrator):
    """A browser in which an administrator is signed in."""
    client = Client()
    client.force_login(administrator)
    return client


@pytest.fixture
def ana(registered):
    """The record that is kept: short of what is optional, and its confirmation went out."""
    patient = registered(full_name="Ana Ñandú", address="", date_of_birth=None)
    patient.messages.update(status="sent")
    return patient


@pytest.fixture
def twin(registered):
    """A second record of the same person, with another address and photo."""

    def register(**values):
        return registered(**{"email": "anita@example.org", "document_kind": "passport"} | values)

    return register


@pytest.fixture
def merge_page():
    def url(patient, other):
        return f"{reverse('patients:merge', args=[patient.display_number])}?other={other.display_number}"

    return url


def test_keeps_what_it_has_and_takes_what_it_lacks(ana, twin, administrator):
    other = twin(full_name="Ana María Ñandú Pérez", phone="+1 202 555 0123")

    ana.merge(other, by=administrator)

    kept = Patient.objects.get()
    assert (kept.number, kept.full_name, kept.email, kept.phone) == (ana.number, "Ana Ñandú", ana.email, ana.phone)
    assert (kept.address, kept.date_of_birth, kept.document_kind) == (
        other.address, other.date_of_birth, "passport",
    )  # fmt: skip
    assert (kept.document_photo, kept.version) == (ana.document_photo, 2)
    assert {key.key for key in kept.search_keys.all()} == {key for _, key, _, _ in SearchKey.rows_of(kept)}


def test_overwrites_nothing(registered, twin, administrator):
    ana = registered(document_kind="identity_card")

    ana.merge(twin(address="Elsewhere", date_of_birth="1990-01-01"), by=administrator)

    kept = Patient.objects.get()
    assert (kept.address, kept.date_of_birth, kept.document_kind) == (
        ana.address, ana.date_of_birth, "identity_card",
    )  # fmt: skip


def test_the_photo_the_drafts_and_the_log_of_the_other_go(
    ana, new_patient, upload, administrator, receptionist, stored_files
):
    files = stored_files()
    other = new_patient(email="anita@example.org")
    content = pictures.encoded(pictures.picture((901, 600)))
    other.document_photo = cleaning.clean(upload(content))
    other.register(by=receptionist, source=Patient.Source.FORM)
    PhotoDraft.keep(cleaning.clean(ContentFile(content)), by=receptionist, name="x.jpg", size=1)
    LogEntry.objects.log_actions(administrator.pk, [other], 2, "x", single_object=True)

    ana.merge(other, by=administrator)

    assert not PhotoDraft.objects.exists() and not LogEntry.objects.exists()
    assert stored_files() == files and not Erasure.objects.exists()


def test_the_address_that_they_shared_is_asked_about_as_before(registered, administrator):
    ana, other = registered(), registered(email="other@example.org")
    Patient.objects.filter(pk=other.pk).update(email=ana.email, email_key=None)
    Patient.objects.filter(pk=ana.pk).update(email_state="disputed")
    other.refresh_from_db()

    other.merge(ana, by=administrator)

    kept = Patient.objects.get()
    assert (kept.number, kept.email_key, kept.email_state) == (other.number, ana.email_key, "disputed")


def test_messages_that_went_out_and_submissions_move_over(ana, new_patient, receptionist, administrator):
    other = new_patient(email="anita@example.org")
    other.register(
        by=receptionist, source=Patient.Source.API, submission=Submission.of(receptionist, "a key", "what was sent")
    )
    other.messages.update(status="sent")

    ana.merge(other, by=administrator)

    assert ana.messages.filter(status="sent").count() == 2
    assert Submission.of(receptionist, "a key", "what was sent").earlier_patient() == ana


@pytest.mark.parametrize("status", ["queued", "failed"])
def test_what_did_not_go_out_is_never_sent(ana, twin, administrator, status):
    other = twin()
    other.messages.update(status=status)
    waiting = other.messages.get()

    ana.merge(other, by=administrator)
    delivery.deliver(waiting.pk)

    assert not Message.objects.filter(pk=waiting.pk).exists()
    assert (ana.messages.count(), ana.confirmation.status) == (1, "sent")


def test_a_message_that_is_being_sent_is_noted_on_the_kept_record(ana, twin, administrator):
    other = twin()
    other.messages.update(status="sending")

    ana.merge(other, by=administrator)

    assert {message.status for message in ana.messages.all()} == {"sent", "sending"}


def test_a_confirmation_that_waits_is_not_queued_twice_for_a_later_one_of_the_other(ana, twin, administrator):
    other = twin()
    ana.messages.update(status="queued")
    other.messages.update(status="sent")

    ana.merge(other, by=administrator)

    assert not ana.send_confirmation_again(by=administrator) and ana.messages.count() == 2


@pytest.mark.parametrize("state", ["confirmed", "disputed"])
def test_what_is_known_of_the_address_stays(state, ana, new_patient, administrator):
    other = new_patient(email=ana.email.upper())
    other.register(by=administrator, source=Patient.Source.FORM, shared_email=True)
    Patient.objects.filter(pk=ana.pk).update(email_state=state)

    Patient.objects.get(pk=ana.pk).merge(other, by=administrator)

    assert Patient.objects.get().email_state == state


def test_known_pairs_move_over_once_and_not_onto_themselves(ana, twin, registered, administrator, receptionist):
    other, eve = twin(), registered(full_name="Eve", email="eve@example.net")
    juan = registered(full_name="Juan", email="juan@example.net")
    other.tell_apart([ana, eve, juan], by=receptionist)
    ana.tell_apart([eve], by=receptionist)

    ana.merge(other, by=administrator)

    assert KnownApart.from_patient(ana) == {eve.pk, juan.pk} and KnownApart.objects.count() == 2
    assert KnownApart.from_patient(juan) == {ana.pk}
    assert {pair.said_by for pair in KnownApart.objects.all()} == {receptionist}


def test_is_noted_on_both_numbers_and_shown_once(ana, twin, administrator, office):
    other = twin()

    ana.merge(other, by=administrator)

    events = AuditEvent.objects.filter(action="merged").order_by("pk")
    assert [(event.patient_number, event.detail, event.actor) for event in events] == [
        (ana.number, other.display_number, administrator),
        (other.number, ana.display_number, administrator),
    ]
    history = office.get(ana.get_absolute_url()).content.decode().split('id="history"')[1]
    assert history.count("merged with") == 1 and f"merged with {other.display_number}" in " ".join(history.split())
    assert history.count("registered") == 2  # what was done to the other is still to be seen


def test_who_was_told_apart_and_merged_after_all_is_not_apart_from_itself(ana, twin, administrator, office):
    other = twin()
    ana.tell_apart([other], by=administrator)

    ana.merge(other, by=administrator)

    page = office.get(ana.get_absolute_url()).content.decode()
    assert page.count("said that it is not the same person as") == 1 and f"other={ana.display_number}" not in page


def test_refuses_itself_and_who_is_gone(ana, twin, administrator):
    other = twin()
    with pytest.raises(ValueError, match="itself"):
        ana.merge(Patient.objects.get(pk=ana.pk), by=administrator)

    other.erase(by=None)
    with pytest.raises(Patient.DoesNotExist):
        ana.merge(other, by=administrator)
    assert Patient.objects.get().version == 1


def test_the_former_number_leads_to_the_kept_record_at_every_door(ana, twin, registered, administrator, office, api):
    other = twin()
    Patient.objects.filter(pk=other.pk).update(email=ana.email, email_key=None)
    link = links.address_link(Patient.objects.get(pk=other.pk)).split("/")[-2]
    ana.merge(other, by=administrator)
    final = registered(full_name="Ana", email="final@example.net")
    assert links.patient_of(link) == ana

    final.merge(ana, by=administrator)

    for old in (other, ana):
        assert office.get(old.get_absolute_url()).headers["Location"] == final.get_absolute_url()
        assert list(Patient.objects.search(old.display_number.lower())) == [final]
        url = reverse("api:patient", args=[old.display_number])
        assert api.get(url).json()["number"] == final.display_number
        assert len(api.get(f"{url}messages/").json()) == final.messages.count()
        assert api.get(f"{url}document-photo/").status_code == 200
    assert sorted(final.former_numbers.values_list("number", flat=True)) == sorted([ana.number, other.number])


def test_a_correction_through_the_api_by_the_former_number_is_one_of_the_kept_record(ana, twin, administrator, api):
    other = twin()
    url = reverse("api:patient", args=[other.display_number])
    etag = api.get(url).headers["ETag"]
    ana.merge(other, by=administrator)

    stale = api.patch_json(url, {"address": "Elsewhere 1"}, headers={"If-Match": etag})
    done = api.patch_json(url, {"address": "Elsewhere 2"})

    assert (stale.status_code, done.status_code, done.json()["number"]) == (412, 200, ana.display_number)
    assert Patient.objects.get().address == "Elsewhere 2"


def test_nobody_else_is_given_a_former_number(ana, twin, registered, administrator, monkeypatch):
    other = twin()
    ana.merge(other, by=administrator)
    dice = iter([other.number, ana.number, numbers.new()])
    monkeypatch.setattr(numbers, "new", lambda: next(dice))

    patient = registered(email="juan@example.net")

    assert patient.number not in (ana.number, other.number) and Patient.objects.count() == 2


def test_erasing_the_kept_record_erases_both_from_a_restored_backup(ana, twin, photo, administrator, settings):
    other = twin()
    before = Patient.objects.get(pk=other.pk)
    ana.merge(other, by=administrator)

    ana.erase(by=administrator)

    assert not FormerNumber.objects.exists()
    for number in (ana.number, other.number):
        assert f"{number} " in settings.ERASURES_FILE.read_text()
    restore.photo = photo
    restore(before)
    assert Patient.erase_again() == 1 and not Patient.objects.exists()


def test_merging_erases_nobody_again(ana, twin, administrator, settings):
    ana.merge(twin(), by=administrator)
    Patient.objects.update(registered_at=timezone.now() - timedelta(days=1))

    assert Patient.erase_again() == 0 and Patient.objects.get() == ana and not settings.ERASURES_FILE.exists()


@pytest.mark.django_db(transaction=True)
def test_two_merges_the_other_way_round_leave_one_record(ana, twin, administrator):
    other = twin()

    raised = all_at_once(lambda: ana.merge(other, by=administrator), lambda: other.merge(ana, by=administrator))

    assert raised == ["DoesNotExist"] and Patient.objects.count() == FormerNumber.objects.count() == 1
    assert AuditEvent.objects.filter(action="merged").count() == 2


def test_an_administrator_compares_chooses_and_merges(ana, twin, office, merge_page):
    other = twin()
    url = merge_page(ana, other)
    assert f'href="{url}"' in office.get(ana.get_absolute_url()).content.decode()

    page = office.get(url).content.decode()
    done = office.post(url, {"keep": other.display_number}, follow=True)

    for patient in (ana, other):
        assert patient.full_name in page and reverse("patients:photo", args=[patient.display_number]) in page
        assert AuditEvent.objects.filter(action="read", detail="merge", patient_number=patient.number).exists()
        assert f'name="keep" value="{patient.display_number}"' in page
    assert done.redirect_chain == [(other.get_absolute_url(), 302)] and Patient.objects.get() == other
    assert f"The number {ana.display_number} leads here, too." in done.content.decode()
    again = office.post(url, {"keep": other.display_number})
    assert again.headers["Location"] == other.get_absolute_url()  # the second click


def test_who_was_merged_meanwhile_is_not_merged_unseen(ana, twin, registered, office, administrator, merge_page):
    other, third = twin(), registered(full_name="Eve", email="eve@example.net")
    url = merge_page(ana, other)
    third.merge(other, by=administrator)

    assert office.post(url, {"keep": ana.display_number}).headers["Location"] == ana.get_absolute_url()
    assert Patient.objects.count() == 2


@pytest.mark.parametrize("keep", ["", "7K4M-2Q9X", "nothing"])
def test_merges_nothing_without_a_choice_between_the_two(ana, twin, office, merge_page, keep):
    assert office.post(merge_page(ana, twin()), {"keep": keep}).status_code == 404
    assert Patient.objects.count() == 2


def test_unknown_and_equal_numbers_are_not_found(ana, office, merge_page):
    url = reverse("patients:merge", args=[ana.display_number])

    for address in (url, f"{url}?other=7K4M-2Q9X", f"{url}?other=x", merge_page(ana, ana)):
        assert office.get(address).status_code == 404
        assert office.post(address, {"keep": ana.display_number}).status_code == 404


def test_the_desk_may_not(ana, twin, desk, merge_page):
    url = merge_page(ana, twin())

    assert "/merge/" not in desk.get(ana.get_absolute_url()).content.decode()
    assert desk.get(url).status_code == 403 and desk.post(url, {"keep": ana.display_number}).status_code == 403
    assert Patient.objects.count() == 2
