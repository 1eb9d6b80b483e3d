"""What was done can be shown, and shows when somebody touched it afterwards."""

from datetime import UTC, datetime

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, models

from patients.models import AppendOnly, AuditEvent, AuditHead
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


def test_an_event_that_somebody_adds_has_no_seal(events):
    tamper(
        "INSERT INTO patients_auditevent (id, at, action, address, client, patient_number, detail, request_id, seal) "
        "VALUES (7, '2026-01-01 00:00:00', 'read', '', '', '', '', '', %s)",
        events[5].seal,
    )

    assert verdict() == ["Changed: 7"]


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


@pytest.mark.django_db(transaction=True)
def test_events_written_at_once_make_one_chain(registered, receptionist):
    patient = registered()

    raised = all_at_once(*[lambda: [patient.record_seen(by=receptionist) for _ in range(10)]] * 8)

    assert raised == [] and verdict() == []
    assert AuditHead.objects.get().count == AuditEvent.objects.count() == 81
