"""What was done can be shown, and shows when somebody touched it afterwards."""

from datetime import UTC, datetime

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, models
from django.test import Client
from django.urls import reverse

from patients.models import ApiToken, AppendOnly, AuditEvent, AuditHead
from patients.models.audit import REFUSALS_MOST
from patients.tests.conftest import ANA
from patients.tests.racing import all_at_once

Action = AuditEvent.Action


def tamper(statement, *values):
    """What somebody with the database's password does."""
    with connection.cursor() as cursor:
        cursor.execute(statement, values)


@pytest.fixture
def events(registered, receptionist):
    """Six events in a chain."""
    patient = registered()
    for _ in range(5):
        patient.record_seen(by=receptionist)
    return list(AuditEvent.objects.order_by("pk"))


def verdict(*arguments):
    try:
        call_command("verify_audit", *arguments)
    except CommandError as error:
        return str(error).splitlines()
    return []


def test_events_are_counted_without_a_gap_and_stand_as_written(events):
    assert [event.pk for event in events] == [1, 2, 3, 4, 5, 6]
    assert verdict() == []


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("at", datetime(2001, 1, 1, tzinfo=UTC)),
        ("action", "erased"),
        ("actor_id", None),
        ("address", "192.0.2.1"),
        ("patient_number", "00000000"),
        ("detail", "thumbnail"),
        ("request_id", "another"),
        ("client", "another"),
    ],
)
def test_a_changed_event_is_named(events, column, value):
    models.QuerySet(AuditEvent).filter(pk=3).update(**{column: value})

    assert verdict() == ["Changed: 3"]


def test_every_column_is_sealed():
    unsealed = {field.column for field in AuditEvent._meta.fields} - {"id", "seal"}
    tried = {column for column, _value in test_a_changed_event_is_named.pytestmark[0].args[1]}

    assert unsealed == tried


def test_removed_events_are_named(events):
    tamper("DELETE FROM patients_auditevent WHERE id IN (2, 4, 5)")

    assert verdict() == ["Removed: 2", "Removed: 4 to 5"]


def test_the_newest_events_are_missed_as_well(events):
    tamper("DELETE FROM patients_auditevent WHERE id > 4")

    assert verdict() == ["Removed: 5 to 6"]


def test_a_chain_cut_short_together_with_its_head_shows_against_a_note_of_its_end(events, capsys):
    call_command("verify_audit")
    end = capsys.readouterr().out.split()[-1]
    tamper("DELETE FROM patients_auditevent WHERE id > 4")
    tamper("UPDATE patients_audithead SET count = 4, seal = %s", events[3].seal)

    assert verdict() == []
    assert verdict("--expect", end) == ["Removed: 5 to 6"]
    assert "printed before" in verdict("--expect", "nonsense")[0]


@pytest.mark.parametrize(("key", "finding"), [(7, "Changed: 7"), (-1, "Added: -1")])
def test_an_event_that_somebody_adds_has_no_seal(events, key, finding):
    tamper(
        "INSERT INTO patients_auditevent (id, at, action, address, client, patient_number, detail, request_id, seal) "
        "VALUES (%s, '2026-01-01 00:00:00', 'read', '', '', '', '', '', %s)",
        key,
        events[5].seal,
    )

    assert verdict() == [finding]


def test_keys_are_rotated_and_the_old_ones_kept(events, settings, receptionist):
    new = ("new", b"n" * 32)
    settings.AUDIT_KEYS = [new, *settings.AUDIT_KEYS]
    AuditEvent.record(Action.SIGNED_IN, by=receptionist)
    assert verdict() == []

    settings.AUDIT_KEYS = [new]
    assert verdict() == [f"Changed: {number}" for number in range(1, 7)]


def test_the_application_neither_changes_nor_removes_events(events):
    event, everything = events[0], AuditEvent.objects.all()
    for deed in (
        event.save,
        event.delete,
        AuditEvent(pk=99).save,
        everything.delete,
        lambda: everything.update(detail="x"),
        lambda: AuditEvent._base_manager.filter(pk=1).update(detail="x"),
        lambda: everything.bulk_update([event], ["detail"]),
        lambda: everything.update_or_create(pk=1),
        lambda: AuditEvent.objects.create(pk=99),
        lambda: AuditEvent.objects.bulk_create([AuditEvent(pk=99)]),
        lambda: AuditEvent.objects.get_or_create(pk=99),
    ):
        with pytest.raises(AppendOnly):
            deed()
    with pytest.raises(models.ProtectedError):
        event.actor.delete()
    assert verdict() == []


def test_says_who_from_where_and_in_which_request(desk, registered, receptionist):
    patient = registered()

    response = desk.get(f"/patients/{patient.display_number}/photo/", REMOTE_ADDR="192.0.2.7")

    (event,) = AuditEvent.objects.of(patient).filter(action="photo_seen")
    assert (event.actor, event.address, event.request_id) == (receptionist, "192.0.2.7", response["X-Request-ID"])


def test_a_missing_end_of_the_chain_shows(events):
    tamper("DELETE FROM patients_audithead")

    assert verdict() == ["Removed: the end of the chain"]


@pytest.mark.django_db(transaction=True)
def test_events_written_at_once_make_one_chain(registered, receptionist):
    patient = registered()

    raised = all_at_once(*[lambda: [patient.record_seen(by=receptionist) for _ in range(10)]] * 8)

    assert raised == [] and verdict() == []
    assert AuditHead.objects.get().count == AuditEvent.objects.count() == 81


@pytest.mark.parametrize(
    "door", ["the desk's page", "the desk's form", "the slip", "the API", "the API's messages", "admin"]
)
def test_every_door_notes_who_reads_a_record(door, desk, api, back_office, registered):
    patient = registered()
    client, url = {
        "the desk's page": (desk, patient.get_absolute_url()),
        "the desk's form": (desk, f"{patient.get_absolute_url()}change/"),
        "the slip": (desk, f"{patient.get_absolute_url()}slip/"),
        "the API": (api, f"/api/v1/patients/{patient.display_number}/"),
        "the API's messages": (api, f"/api/v1/patients/{patient.display_number}/messages/"),
        "admin": (back_office, reverse("admin:patients_patient_change", args=[patient.pk])),
    }[door]

    assert client.get(url).status_code == 200

    event = AuditEvent.objects.of(patient).get(action="read")
    assert event.actor.username == ("admin" if door == "admin" else "front-desk")


@pytest.mark.parametrize("body", [{}, {"full_name": ANA["full_name"]}])
def test_a_correction_of_nothing_is_a_look_at_the_record(body, api, registered):
    patient = registered()

    assert api.patch_json(f"/api/v1/patients/{patient.display_number}/", body).status_code == 200

    assert [event.action for event in AuditEvent.objects.of(patient)] == ["read", "registered"]


@pytest.mark.parametrize("door", ["the desk", "the API", "admin"])
def test_looking_through_a_list_is_noted_without_what_was_looked_for(door, desk, api, back_office, registered):
    number = registered().number
    client, url, parameter = {
        "the desk": (desk, "/patients/", "search"),
        "the API": (api, "/api/v1/patients/", "search"),
        "admin": (back_office, reverse("admin:patients_patient_changelist"), "q"),
    }[door]

    client.get(url)
    client.get(url, {parameter: "nandu"})

    found, listed = AuditEvent.objects.filter(action="looked_up")
    assert (listed.detail, found.detail) == (number, f"search {number}")
    url = reverse("admin:patients_auditevent_changelist")
    for sought, count in ((number, 2), ("7K4M-2Q9X", 0)):
        page = back_office.get(url, {"action__exact": "looked_up", "q": sought})
        assert page.context["cl"].result_count == count


def test_nothing_is_shown_without_its_note(desk, api, registered, monkeypatch):
    patient = registered()

    def fail(*args, **kwargs):
        raise RuntimeError("the audit cannot be written")

    monkeypatch.setattr(AuditEvent, "record", fail)
    for client, url in (
        (desk, "/patients/"),
        (desk, patient.get_absolute_url()),
        (desk, f"{patient.get_absolute_url()}photo/"),
        (api, f"/api/v1/patients/{patient.display_number}/"),
    ):
        client.raise_request_exception = False
        assert client.get(url).status_code == 500


def test_an_api_clients_events_name_its_token(api, desk, registered):
    patient = registered()
    api.get(f"/api/v1/patients/{patient.display_number}/")
    desk.get(patient.get_absolute_url())

    clients = [event.client for event in AuditEvent.objects.of(patient).filter(action="read")]
    assert clients == ["", f"token {ApiToken.objects.get().token_key[:8]}"]


def test_signing_in_is_noted_and_so_is_failing_to(client, receptionist):
    receptionist.set_password("a long pass phrase")
    receptionist.save()

    for username, password in (
        ("front-desk", "wrong"),
        ("a long pass phrase", "front-desk"),  # in the wrong field
        ("front-desk", "a long pass phrase"),
    ):
        client.post("/accounts/login/", {"username": username, "password": password})

    assert [(event.action, event.actor, event.detail) for event in AuditEvent.objects.order_by("pk")] == [
        ("sign_in_failed", None, "as front-desk"),
        ("sign_in_failed", None, ""),
        ("signed_in", receptionist, ""),
    ]


def test_refusals_are_noted_but_no_flood_of_them(client, member, registered):
    patient, reader = registered(), member("Reader")
    client.force_login(reader)
    before = AuditEvent.objects.count()

    for _ in range(REFUSALS_MOST + 5):
        assert client.get("/patients/register/", REMOTE_ADDR="192.0.2.7").status_code == 403
    assert client.post(f"{patient.get_absolute_url()}send-again/").status_code == 403

    events = list(AuditEvent.objects.filter(action="refused", actor=reader).order_by("-pk"))
    assert len(events) == REFUSALS_MOST + 1 == AuditEvent.objects.count() - before
    assert {event.detail for event in events} == {"403 GET patients:register", "403 POST patients:send_again"}


@pytest.mark.slow
def test_nobodys_flood_hides_what_others_try(client, desk, receptionist, member, registered):
    url = f"{registered().get_absolute_url()}merge/"
    for _ in range(REFUSALS_MOST + 5):
        client.post("/accounts/login/", {"username": "nobody", "password": "wrong"})
    client.post("/accounts/login/", {"username": "front-desk", "password": "wrong"})
    client.force_login(member("Reader"))
    for _ in range(REFUSALS_MOST + 5):
        client.get(url)
    desk.get(url)

    assert AuditEvent.objects.filter(action="sign_in_failed", detail="as front-desk").count() == 1
    assert AuditEvent.objects.filter(action="refused", actor=receptionist).count() == 1


def test_the_record_leads_to_all_events_about_it(desk, back_office, registered):
    patient = registered()
    link = f'href="{reverse("admin:patients_auditevent_changelist")}?q={patient.display_number}"'

    assert link in back_office.get(patient.get_absolute_url()).content.decode()
    assert link not in desk.get(patient.get_absolute_url()).content.decode()


def test_a_photo_refused_as_if_it_were_not_there_is_noted(client, api, registered, member):
    patient = registered()
    user = member("Reader")
    user.groups.clear()
    client.force_login(user)

    assert client.get(f"{patient.get_absolute_url()}photo/").status_code == 404

    event = AuditEvent.objects.of(patient).get(action="refused")
    assert (event.actor, event.detail) == (user, "photo")


def test_a_bad_token_is_noted_and_a_missing_one_is_not(client, db):
    client.get("/api/v1/patients/")
    client.get("/api/v1/patients/", headers={"Authorization": "Bearer 0123456789"})

    assert [event.detail for event in AuditEvent.objects.all()] == ["401 GET api:patients"]


def test_a_forged_form_is_noted(receptionist, registered):
    patient, browser = registered(), Client(enforce_csrf_checks=True)
    browser.force_login(receptionist)

    assert browser.post(f"{patient.get_absolute_url()}send-again/").status_code == 403

    assert AuditEvent.objects.get(action="refused").detail == "403 POST patients:send_again"


def test_a_form_that_shows_somebody_else_notes_it(desk, registered, upload):
    number = registered().number

    page = desk.post("/patients/register/", ANA | {"document_photo": upload()})

    assert page.status_code == 422 and "Registered with this address" in page.content.decode()
    assert AuditEvent.objects.get(action="looked_up").detail == f"same person {number}"


def test_an_event_sealed_in_another_past_doesnt_fit(events, receptionist):
    """Such as one that somebody kept from before a backup was restored, when other things were done."""
    AuditEvent.record(Action.EXPORTED, by=receptionist)
    kept = models.QuerySet(AuditEvent).filter(pk=7).values().get()
    models.QuerySet(AuditEvent).filter(pk=7).delete()
    AuditHead.objects.update(count=6, seal=events[5].seal)
    AuditEvent.record(Action.READ, by=receptionist)
    AuditEvent.record(Action.READ, by=receptionist)

    models.QuerySet(AuditEvent).filter(pk=7).update(**kept)

    assert verdict() == ["Changed: 8"]


@pytest.mark.django_db(transaction=True)
def test_the_very_first_events_at_once_make_one_chain(receptionist):
    raised = all_at_once(*[lambda: AuditEvent.record(Action.SIGNED_IN, by=receptionist)] * 8)

    assert raised == [] and verdict() == [] and AuditEvent.objects.count() == 8
