"""How much a client of the API may do: much work, little guessing; counted by all processes together."""

import pytest
from django.urls import reverse

from patients import limits
from patients.models import ApiToken, Client, Patient, Tally
from patients.tests.conftest import ApiClient
from patients.tests.racing import all_at_once

PATIENTS = reverse("api:patients")


@pytest.fixture(autouse=True)
def at_noon(monkeypatch):
    """The clock stands still, so that no minute ends during a test."""
    now = [1_800_000_000.0]
    monkeypatch.setattr("time.time", lambda: now[0])
    monkeypatch.setattr(limits.CallsThrottle, "_counted", {})
    return now


@pytest.fixture
def other(member):
    return ApiClient(headers={"Authorization": f"Bearer {ApiToken.issue(member('Front desk', 'other'))}"})


def test_a_client_makes_so_many_calls_a_minute(api, settings, at_noon):
    settings.API_CALLS_PER_MINUTE = 3

    statuses = [api.get(PATIENTS).status_code for _ in range(5)]
    problem = api.get(PATIENTS)
    at_noon[0] += 60

    assert statuses == [200, 200, 200, 429, 429]
    assert problem["Retry-After"] == "60" and problem.json()["type"].endswith("/problems/too-many-requests")
    assert api.get(PATIENTS).status_code == 200


def test_what_was_counted_in_advance_is_good_for_its_minute_alone(api, at_noon):
    api.get(PATIENTS)
    before = set(Tally.objects.values_list())
    at_noon[0] += 60
    api.get(PATIENTS)

    assert before and not before & set(Tally.objects.values_list())


def test_an_address_makes_so_many_calls_a_minute_whoever_calls(api, other, settings):
    settings.API_CALLS_PER_MINUTE = 3

    statuses = [client.get(PATIENTS).status_code for client in (api, other) * 2]

    assert statuses == [200, 200, 200, 429]
    assert api.get(PATIENTS, REMOTE_ADDR="192.0.2.7").status_code == 200


def test_a_process_counts_calls_in_advance(api):
    api.get(PATIENTS)
    counted = dict(Tally.objects.values_list("key", "count"))

    for _ in range(limits.BLOCK_MOST - 1):
        api.get(PATIENTS)
    assert dict(Tally.objects.values_list("key", "count")) == counted and set(counted.values()) == {20}

    api.get(PATIENTS)
    assert set(Tally.objects.values_list("count", flat=True)) == {40}


def test_wrong_tokens_are_told_so_only_so_often_and_right_ones_are_let_in(db, api):
    guesses = [ApiClient(headers={"Authorization": f"Bearer {number:064}"}) for number in range(40)]

    statuses = [guess.get(PATIENTS).status_code for guess in guesses]

    assert statuses == [401] * limits.WRONG_TOKENS_PER_MINUTE + [429] * 10
    assert api.get(PATIENTS).status_code == 200 and ApiClient().get(PATIENTS).status_code == 401
    assert guesses[0].get(PATIENTS, REMOTE_ADDR="192.0.2.7").status_code == 401


def test_who_looks_for_patients_by_their_addresses_is_stopped(api, other, ana, new_patient, settings, at_noon):
    settings.API_TAKEN_PER_HOUR = 3
    taken = [f"p{number}@example.org" for number in range(4)]
    for email in taken:
        new_patient(email=email).register(by=None, source=Patient.Source.FORM)

    statuses = [api.post_json(PATIENTS, ana | {"email": email}).status_code for email in taken]
    new = api.post_json(PATIENTS, ana)

    assert statuses == [409, 409, 409, 429] and new.status_code == 429 and int(new["Retry-After"]) <= 3600
    assert api.get(PATIENTS).status_code == 200
    assert other.post_json(PATIENTS, ana).status_code == 201
    at_noon[0] += 3600
    assert api.post_json(PATIENTS, ana | {"email": "new@example.org"}).status_code == 201


def test_a_client_that_repeats_itself_loses_only_its_answer(api, ana, registered, settings, at_noon):
    settings.API_TAKEN_PER_HOUR = 2
    registered()

    statuses = [api.post_json(PATIENTS, ana).status_code for _ in range(limits.SAME_ADDRESS_PER_MINUTE + 2)]

    assert statuses == [409] * limits.SAME_ADDRESS_PER_MINUTE + [429] * 2
    for _minute in range(3):
        at_noon[0] += 60
        assert api.post_json(PATIENTS, ana).status_code == 409
    assert api.post_json(PATIENTS, ana | {"email": "new@example.org"}).status_code == 201


@pytest.mark.django_db(transaction=True)
def test_none_is_lost_when_many_count_at_once():
    assert all_at_once(*[lambda: [Tally.add("key", 60) for _ in range(10)]] * 6) == []

    assert Tally.of("key", 60) == 60


def test_a_tally_starts_anew_names_nobody_and_is_forgotten(db, at_noon, api):
    assert [Tally.add("key", 60, 5), Tally.add("key", 60)] == [5, 6]
    at_noon[0] += 60
    assert Tally.of("key", 60) == 0 and Tally.add("key", 60) == 1

    Client.objects.make("laboratory", [])
    api.get(PATIENTS)
    assert all(len(key) == 64 for key in Tally.objects.exclude(key="key").values_list("key", flat=True))
    Tally.drop_old()
    assert Tally.objects.count() == 3
    Tally.objects.update(counted_at="2026-01-01T00:00:00Z")
    Tally.drop_old()
    assert not Tally.objects.exists()
