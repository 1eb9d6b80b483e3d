"""Taking data out: administrators alone, and the audit knows whose."""

import csv
import io
import json

import pytest
from django.urls import reverse

from patients import admin
from patients.models import AuditEvent

PATIENTS = reverse("admin:patients_patient_changelist")


def export(browser, kind, *patients):
    return browser.post(PATIENTS, {"action": f"export_{kind}", "_selected_action": [one.pk for one in patients]})


def test_a_list_as_csv(back_office, registered):
    ana, juan = registered(), registered(full_name="Juan", email="juan@example.org")

    response = export(back_office, "csv", ana, juan)

    assert response["Content-Disposition"] == 'attachment; filename="patients.csv"'
    assert "no-store" in response["Cache-Control"]
    first, second = csv.DictReader(io.StringIO(response.content.decode("utf-8-sig")))
    assert (first["full_name"], second["full_name"]) == ("Juan", "Ana María Ñandú")
    assert second["number"] == ana.display_number and second["phone"] == "+59899123456"
    assert (second["address"], second["date_of_birth"]) == ("Rincón 487\nMontevideo", "1984-02-29")
    exported = AuditEvent.objects.filter(action="exported")
    assert {(event.patient_number, event.detail) for event in exported} == {(ana.number, "csv"), (juan.number, "csv")}


def test_everything_about_one_patient_as_json(back_office, registered):
    ana = registered()

    (answer,) = json.loads(export(back_office, "json", ana).content)

    assert (answer["email"], answer["shared_email"]) == ("ana@example.org", False)
    assert answer["messages"] == [{"channel": "email", "status": "queued", "sent_at": None}]
    assert [event["action"] for event in answer["history"]] == ["exported", "registered"]


@pytest.mark.parametrize("name", ["=HYPERLINK(1)", "@SUM(1)", "-1+1", "+cmd"])
def test_no_cell_is_a_formula(back_office, registered, name):
    patient = registered(full_name=name)

    (line,) = csv.DictReader(io.StringIO(export(back_office, "csv", patient).content.decode("utf-8-sig")))

    assert line["full_name"] == f"'{name}"


def test_no_cell_is_one_where_semicolons_separate_them(back_office, registered):
    patient = registered(address="Rincón 487; =1+1;@SUM(1)")

    (line,) = csv.DictReader(io.StringIO(export(back_office, "csv", patient).content.decode("utf-8-sig")))

    assert line["address"] == "Rincón 487;' =1+1;'@SUM(1)"


def test_only_so_many_at_once(back_office, registered, monkeypatch):
    monkeypatch.setattr(admin, "EXPORT_MOST", 1)

    response = export(back_office, "csv", registered(), registered(email="juan@example.org"))

    assert response.status_code == 302 and not AuditEvent.objects.filter(action="exported").exists()


def test_no_export_without_the_right_or_the_note(client, member, back_office, registered, monkeypatch):
    patient, clerk = registered(), member("Front desk", "clerk")
    clerk.is_staff = True
    clerk.save()
    client.force_login(clerk)
    refused = export(client, "csv", patient)
    assert "Content-Disposition" not in refused and not AuditEvent.objects.filter(action="exported").exists()

    def fail(*args, **kwargs):
        raise RuntimeError("the audit cannot be written")

    monkeypatch.setattr(AuditEvent, "record_each", fail)
    back_office.raise_request_exception = False
    assert export(back_office, "csv", patient).status_code == 500
