from datetime import timedelta

from django.contrib.admin.models import LogEntry
from django.contrib.admin.sites import site
from django.contrib.contenttypes.models import ContentType
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from django_q.models import OrmQ

from patients.models import AuditEvent, Heartbeat, Message, Patient
from patients.tests.conftest import ANA

PATIENTS = reverse("admin:patients_patient_changelist")


def test_the_lists_queries_do_not_grow_with_the_rows(back_office, registered, django_assert_max_num_queries):
    for count in range(12):
        registered(email=f"p{count}@example.org")
    back_office.get("/accounts/")  # notes that the session is used

    with django_assert_max_num_queries(10):
        assert len(back_office.get(PATIENTS).context["cl"].result_list) == 12


def test_filters_by_the_messages_state(back_office, registered):
    failed = registered()
    registered(email="juan@example.org")
    Message.objects.filter(patient=failed).update(status="failed")

    response = back_office.get(PATIENTS, {"message": "failed"})

    assert list(response.context["cl"].result_list) == [failed]
    assert not back_office.get(PATIENTS, {"message": "nonsense"}).context["cl"].result_list


def test_filters_messages_by_channel_without_looking_through_them_all(back_office, registered):
    mail = registered().messages.get()
    Message.objects.create(patient=mail.patient, channel="sms")

    with CaptureQueriesContext(connection) as queries:
        response = back_office.get(reverse("admin:patients_message_changelist"), {"channel": "email"})

    assert list(response.context["cl"].result_list) == [mail]
    assert "DISTINCT" not in str(queries.captured_queries)


def test_filters_by_the_day_and_the_way_of_registering(back_office, registered):
    old, new = registered(), registered(email="juan@example.org")
    Patient.objects.filter(pk=old.pk).update(registered_at=timezone.now() - timedelta(days=40), source="api")
    since = {"registered_at__gte": str(timezone.now() - timedelta(days=7))}

    for query, wanted in (
        (since | {"registered_at__lt": "2999-01-01 00:00Z"}, [new]),
        ({"registered_at__gte": "2999-01-01 00:00Z", "registered_at__lt": "2999-01-02 00:00Z"}, []),
        ({"source__exact": "api"}, [old]),
        ({}, [new, old]),
    ):
        assert list(back_office.get(PATIENTS, query).context["cl"].result_list) == wanted
    assert back_office.get(PATIENTS, {"registered_at__gte": "nonsense"}).status_code == 302


def test_shows_the_newest_of_more_than_anybody_turns_over(back_office, registered, monkeypatch):
    monkeypatch.setattr("patients.admin.base.NEWEST_MOST", 2)
    monkeypatch.setattr("patients.admin.PatientAdmin.list_per_page", 1)
    for count in range(3):
        registered(email=f"p{count}@example.org")

    shown = back_office.get(PATIENTS, {"o": "2", "p": "2"}).context["cl"]  # an order that the list doesn't have

    assert (shown.result_count, shown.paginator.num_pages) == (2, 2)
    assert [patient.email for patient in shown.result_list] == ["p1@example.org"]


def test_shows_a_record_with_its_photo_and_changes_it_without_a_message(back_office, registered):
    patient = registered()
    url = reverse("admin:patients_patient_change", args=[patient.pk])
    assert f"/patients/{patient.display_number}/photo/" in back_office.get(url).content.decode()
    jobs = OrmQ.objects.count()

    response = back_office.post(url, ANA | {"full_name": "Ana Pérez", "language": "es"})

    assert response.status_code == 302
    patient.refresh_from_db()
    assert (patient.full_name, patient.language, patient.version) == ("Ana Pérez", "es", 2)
    assert Message.objects.count() == 1 and OrmQ.objects.count() == jobs
    assert AuditEvent.objects.filter(action="changed").exists()


def test_a_reader_sees_a_record_without_its_controls(client, member, registered):
    reader = member("Reader")
    reader.is_staff = True
    reader.save()
    client.force_login(reader)
    patient = registered()
    Message.objects.update(status="failed")

    page = client.get(reverse("admin:patients_patient_change", args=[patient.pk]))
    messages = client.get(reverse("admin:patients_message_changelist"))

    assert page.status_code == 200 and "Ana María Ñandú" in page.content.decode()
    assert "send_again" not in messages.content.decode()


def test_finds_the_audit_of_a_number_as_people_write_it(back_office, registered):
    patient = registered()
    registered(email="juan@example.org")

    response = back_office.get(reverse("admin:patients_auditevent_changelist"), {"q": patient.display_number})

    assert [event.patient_number for event in response.context["cl"].result_list] == [patient.number]


def test_its_log_names_nobody(back_office, upload):
    back_office.post(reverse("admin:patients_patient_add"), ANA | {"document_photo": upload()})

    entry = LogEntry.objects.get()
    assert entry.object_repr == f"Patient {Patient.objects.get().display_number}"
    assert "Ana" not in entry.change_message and "ana@" not in entry.change_message


def test_an_address_taken_after_the_check_is_told_with_nothing_lost(
    back_office, registered, upload, monkeypatch, stored_files
):
    first_look = iter([True])
    original = Patient.objects.none().__class__.first

    def nobody_yet(queryset):
        return None if next(first_look, False) else original(queryset)

    registered()
    monkeypatch.setattr(Patient.objects.none().__class__, "first", nobody_yet)
    response = back_office.post(
        reverse("admin:patients_patient_add"), ANA | {"full_name": "Juan", "document_photo": upload()}
    )

    assert response.status_code == 200 and "already registered" in response.content.decode()
    assert 'value="Juan"' in response.content.decode()
    assert Patient.objects.count() == 1 and len(stored_files()) == 2 + 2  # the record's and the draft's


def test_removes_a_patient_with_the_photo(back_office, registered, stored_files):
    one, two = registered(), registered(email="juan@example.org")

    page = back_office.post(reverse("admin:patients_patient_delete", args=[one.pk]), {"post": "yes"})
    assert page.status_code == 302
    back_office.post(PATIENTS, {"action": "delete_selected", "_selected_action": [two.pk], "post": "yes"})

    assert not Patient.objects.exists() and stored_files() == []
    assert AuditEvent.objects.filter(action="erased").count() == 2


def test_sends_failed_messages_again(back_office, registered):
    registered()
    Message.objects.update(status="failed")
    url = reverse("admin:patients_message_changelist")
    assert len(back_office.get(url, {"status__exact": "failed"}).context["cl"].result_list) == 1

    back_office.post(url, {"action": "send_again", "_selected_action": [Message.objects.get().pk]})

    assert Message.objects.get().status == "queued"


def test_gives_messages_up(back_office, registered):
    registered()

    back_office.post(
        reverse("admin:patients_message_changelist"),
        {"action": "give_up", "_selected_action": [Message.objects.get().pk]},
    )

    assert Message.objects.get().status == "failed"


def test_shows_the_state_of_the_messages_to_administrators(back_office, registered, client, member):
    registered()
    Heartbeat.beat("desk:1", 2)
    url = reverse("admin:patients_message_state")

    page = back_office.get(url)
    assert page.status_code == 200 and "desk:1" in page.content.decode()
    assert page.context["due"] == 1 and page.context["without_message"] == 0
    assert url in back_office.get(reverse("admin:patients_message_changelist")).content.decode()
    user = member("Front desk", "clerk")
    user.is_staff = True
    user.save()
    client.force_login(user)
    assert client.get(url).status_code == 403


def test_messages_and_the_audit_can_only_be_read(back_office, registered):
    registered()

    for noun in (Message, AuditEvent):
        base = f"admin:patients_{noun._meta.model_name}"
        pk = noun.objects.first().pk
        assert back_office.get(reverse(f"{base}_change", args=[pk])).status_code == 200
        assert back_office.get(reverse(f"{base}_add")).status_code == 403
        assert back_office.post(reverse(f"{base}_change", args=[pk]), {}).status_code == 403
        assert back_office.post(reverse(f"{base}_delete", args=[pk]), {"post": "yes"}).status_code == 403


def test_the_queues_own_pages_are_not_there():
    assert not [model for model in site._registry if model._meta.app_label == "django_q"]


def test_leads_to_the_desks_page_and_nobody_to_a_patient_by_a_running_number(client, back_office, registered, member):
    patient = registered()
    page = back_office.get(reverse("admin:patients_patient_change", args=[patient.pk]))
    assert f'href="{patient.get_absolute_url()}"' in page.content.decode()
    user = member("Reader", "somebody")
    user.groups.clear()
    user.is_staff = True
    user.save()
    client.force_login(user)

    kind = ContentType.objects.get_for_model(Patient).pk
    assert client.get(f"/admin/r/{kind}/{patient.pk}/").status_code == 404


def test_filters_by_what_the_page_offers_alone(back_office, registered):
    registered()

    for model, lookup, value in (
        ("patients_patient", "full_name__regex", "("),
        ("patients_patient", "source__regex", "("),
        ("patients_patient", "full_name__startswith", ANA["full_name"][:3]),
        ("patients_message", "status__regex", "("),
        ("patients_auditevent", "detail__regex", "("),
        ("patients_apitoken", "digest__startswith", "a"),
        ("patients_client", "username__regex", "("),
        ("auth_user", "username__regex", "("),
        ("auth_user", "password__startswith", "a"),
    ):
        response = back_office.get(reverse(f"admin:{model}_changelist"), {lookup: value})
        assert response.status_code == 400, (model, lookup)


def test_offers_no_search_of_patients_that_leaves_no_trace(back_office, registered):
    registered()
    search = {"app_label": "patients", "model_name": "message", "field_name": "patient", "term": ANA["full_name"]}

    assert back_office.get("/admin/autocomplete/", search).status_code == 404
