"""What is sent twice registers once: at the desk by the form's submission_id, at the API by the Idempotency-Key."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse

from patients.models import ApiToken, AuditEvent, Message, Patient, PhotoDraft, Resemblance, Submission
from patients.tests.conftest import ANA, ApiClient
from patients.tests.racing import all_at_once

REGISTER, PATIENTS = reverse("patients:register"), reverse("api:patients")


@pytest.fixture
def sent(upload):
    """Return what a browser sends of a filled-in form."""
    submission_id = uuid4().hex
    return lambda **values: ANA | {"submission_id": submission_id, "document_photo": upload()} | values


def test_each_form_has_an_id_of_its_own_and_keeps_it_through_errors(desk):
    ids = {desk.get(REGISTER).context["submission_id"] for _ in range(3)}
    refused = desk.post(REGISTER, ANA | {"submission_id": "abc"})

    assert len(ids) == 3 and all(len(each) == 32 for each in ids)
    assert refused.status_code == 422 and 'name="submission_id" value="abc"' in refused.content.decode()


def test_a_form_sent_twice_registers_once(desk, sent, stored_files):
    first, second = desk.post(REGISTER, sent()), desk.post(REGISTER, sent())

    assert first.status_code == second.status_code == 302 and first["Location"] == second["Location"]
    assert Patient.objects.count() == Message.objects.count() == 1 and len(stored_files()) == 2
    assert not PhotoDraft.objects.exists()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("shared_email", ["", "on"])
def test_two_clicks_at_once_register_once(desk, receptionist, sent, stored_files, shared_email):
    answers = []

    def click():
        client = Client()
        client.force_login(receptionist)
        answers.append(client.post(REGISTER, sent(shared_email=shared_email)))

    assert all_at_once(*[click] * 5) == []

    assert {(answer.status_code, answer["Location"]) for answer in answers} == {
        (302, Patient.objects.get().get_absolute_url())
    }
    assert Message.objects.count() == 1 and len(stored_files()) == 2
    assert AuditEvent.objects.filter(action="registered").count() == 1


def test_a_second_click_that_finds_fault_with_the_first_is_answered_alike(desk, sent, monkeypatch):
    """The first click registers after the second one's looks for it, just before its look for likely matches."""
    look, first = Resemblance.of, []

    def meanwhile(*args, **kwargs):
        monkeypatch.setattr(Resemblance, "of", look)
        first.append(desk.post(REGISTER, sent(asks="1")))
        return look(*args, **kwargs)

    monkeypatch.setattr(Resemblance, "of", meanwhile)

    second = desk.post(REGISTER, sent(asks="1"))

    assert second.status_code == 302 and second["Location"] == first[0]["Location"]
    assert Patient.objects.count() == 1


def test_another_person_on_the_same_page_is_asked_about_and_registered_the_second_time(desk, sent, errors):
    desk.post(REGISTER, sent())

    juan = {"full_name": "Juan", "email": "juan@example.org", "date_of_birth": ""}
    asked = desk.post(REGISTER, sent(**juan))
    new_id = asked.context["submission_id"]
    kept = asked.content.decode().split('name="kept_photo" value="')[1].split('"')[0]
    again = sent(**juan, submission_id=new_id, kept_photo=kept)
    del again["document_photo"]
    done = desk.post(REGISTER, again)

    first, page = Patient.objects.first(), asked.content.decode()
    assert asked.status_code == 422 and "has registered somebody already" in errors(asked)[0]
    assert "Registered by this form" in page and f'href="{first.get_absolute_url()}" target="_blank"' in page
    assert AuditEvent.objects.filter(detail=f"same person {first.number}").exists()
    assert done.status_code == 302 and Patient.objects.count() == 2


def test_a_refused_form_can_be_sent_again_corrected(desk, sent):
    assert desk.post(REGISTER, sent(phone="1")).status_code == 422
    assert desk.post(REGISTER, sent()).status_code == 302


def test_an_id_counts_for_one_person_only(desk, member, sent):
    other = Client()
    other.force_login(member("Front desk", "other"))
    desk.post(REGISTER, sent())

    assert other.post(REGISTER, sent(email="other@example.org")).status_code == 302
    assert Patient.objects.count() == 2


def test_is_kept_for_three_days_without_what_was_sent(desk, sent):
    desk.post(REGISTER, sent())
    submission = Submission.objects.get()
    assert not any("Ana" in str(value) or "ana@" in str(value) for value in vars(submission).values())

    assert Submission.drop_expired() == 0
    Submission.objects.update(created_at=submission.created_at - timedelta(hours=72, seconds=1))
    assert Submission.drop_expired() == 1


@pytest.fixture
def post(api, ana):
    """Return a call that registers Ana through the API under a key."""
    return lambda key="5f0c", client=api, **values: client.post_json(
        PATIENTS, ana | values, headers={"Idempotency-Key": key}
    )


def test_the_same_request_gets_the_first_answer_whatever_has_become_of_the_patient(post, api, stored_files):
    first = post()
    api.patch_json(first["Location"], {"full_name": "Ana Pérez", "shared_email": True})
    Message.objects.update(status="sent", attempts=1)

    again = post()

    assert (first.status_code, again.status_code) == (201, 201)
    assert again.content == first.content and again["Location"] == first["Location"] and again["ETag"] == first["ETag"]
    assert "Idempotent-Replayed" not in first and again["Idempotent-Replayed"] == "true"
    assert Patient.objects.count() == Message.objects.count() == 1 and len(stored_files()) == 2


def test_the_first_answer_is_of_that_moment_however_quick_the_worker_is(post, monkeypatch):
    monkeypatch.setattr(Patient, "confirmation", property(lambda patient: Message(channel="email", status="sent")))

    assert post().json()["confirmation"] == {"channel": "email", "status": "queued", "attempts": 0, "sent_at": None}


def test_so_does_a_form_body_and_one_that_leaves_out_what_is_optional(api, upload):
    body = {name: ANA[name] for name in ("full_name", "email", "phone")}

    first, again = (
        api.post(PATIENTS, body | {"document_photo": upload()}, headers={"Idempotency-Key": "5f0c"}) for _ in range(2)
    )

    assert first.status_code == 201 and again.content == first.content
    assert again["Idempotent-Replayed"] == "true"


@pytest.mark.parametrize(
    "changed", [{"full_name": "Juan"}, {"shared_email": True}, {"document_photo": "AAAA"}, {"phone": 5}, {"more": 1}]
)
def test_the_key_of_another_request_is_refused(post, changed):
    post()

    problem = post(**changed)

    assert problem.status_code == 422 and problem.json()["type"].endswith("/problems/key-reused")
    assert Patient.objects.count() == 1


def test_a_key_counts_for_one_client_only(post, member):
    other = ApiClient(headers={"Authorization": f"Bearer {ApiToken.issue(member('Front desk', 'other'))}"})
    post()

    answer = post(client=other, email="other@example.org")

    assert answer.status_code == 201 and "Idempotent-Replayed" not in answer


def test_a_refused_request_may_be_corrected_under_its_key(post):
    assert post(phone="1").status_code == 400
    assert post().status_code == 201


@pytest.mark.parametrize("key", ["", "a b", "ñ", "a" * 256])
def test_a_key_that_is_none_is_refused(post, key):
    problem = post(key)

    assert problem.status_code == 400 and problem.json()["errors"][0]["field"] == "Idempotency-Key"


@pytest.mark.django_db(transaction=True)
def test_twins_at_once_get_the_same_answer(post, stored_files):
    answers = []

    assert all_at_once(*[lambda: answers.append(post())] * 6) == []

    assert {answer.status_code for answer in answers} == {201} and len({answer.content for answer in answers}) == 1
    assert sum("Idempotent-Replayed" not in answer for answer in answers) == 1
    assert Patient.objects.count() == Message.objects.count() == 1 and len(stored_files()) == 2


def test_without_a_key_a_second_request_is_a_second_registration(api, ana):
    assert [api.post_json(PATIENTS, ana).status_code for _ in range(2)] == [201, 409]
