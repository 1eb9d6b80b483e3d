import base64
import html

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db import OperationalError
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from patients import tasks
from patients.limits import CallsThrottle
from patients.models import ApiToken, AuditEvent, Message, Patient
from patients.tests import pictures
from patients.tests.conftest import ANA, ApiClient
from registration import parsers

PATIENTS = reverse("api:patients")


def fields(response):
    return {(error["field"], error["code"]) for error in response.json()["errors"]}


def test_registers_and_answers_with_the_patient(api, ana, settings):
    response = api.post_json(PATIENTS, ana)

    patient = Patient.objects.get()
    number = patient.display_number
    assert response.status_code == 201 and response["Location"] == f"/api/v1/patients/{number}/"
    assert response.json() == {
        "number": number,
        "full_name": "Ana María Ñandú",
        "email": "ana@example.org",
        "shared_email": False,
        "phone": "+59899123456",
        "address": "Rincón 487\nMontevideo",
        "date_of_birth": "1984-02-29",
        "document_photo": f"{settings.SITE_URL}/api/v1/patients/{number}/document-photo/",
        "registered_at": patient.registered_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "confirmation": {"channel": "email", "status": "queued", "attempts": 0, "sent_at": None},
    }


def test_takes_a_data_url_and_leaves_out_what_is_optional(api, photo):
    body = {name: ANA[name] for name in ("full_name", "email", "phone")}
    body["document_photo"] = "data:image/png;base64," + base64.b64encode(photo).decode()

    answer = api.post_json(PATIENTS, body).json()

    assert (answer["address"], answer["date_of_birth"]) == ("", None)


def test_times_are_in_utc_whatever_the_clinics_zone(api, ana, settings):
    settings.TIME_ZONE = "America/Montevideo"
    with timezone.override("America/Montevideo"):
        answer = api.post_json(PATIENTS, ana).json()

    assert answer["registered_at"] == Patient.objects.get().registered_at.strftime("%Y-%m-%dT%H:%M:%SZ")


@pytest.mark.parametrize(
    "value",
    ["!!!", "aGk", "aGk=aGk=", "aGk=\n", "data:image/png,x", "data:;base64,;base64,aGk=", 5, None, [], {}, True],
)
def test_refuses_what_is_not_base64(value, api, ana, stored_files):
    response = api.post_json(PATIENTS, ana | {"document_photo": value})

    assert response.status_code == 400 and [field for field, _ in fields(response)] == ["document_photo"]
    assert stored_files() == []


def test_names_every_error_unknown_and_read_only_field_at_once(api):
    body = {"full_name": 5, "email": None, "phone": "1", "number": "7K4M-2Q9X", "source": "api", "shared_email": "x"}
    response = api.post_json(PATIENTS, body)

    assert response.status_code == 400 and response["Content-Type"] == "application/problem+json"
    assert response.json()["type"].endswith("/problems/invalid") and response.json()["status"] == 400
    assert fields(response) == {
        ("full_name", "invalid"),
        ("email", "null"),
        ("phone", "invalid"),
        ("document_photo", "required"),
        ("shared_email", "invalid"),
        ("number", "read_only"),
        ("source", "unknown"),
    }


@pytest.mark.parametrize(
    "body",
    [
        "",
        "{",
        "[]",
        '"text"',
        "null",
        '{"full_name": NaN}',
        '{"full_name": "a", "full_name": "b"}',
        b'{"full_name": "\xff"}',
        "[" * 100_000,
        '{"a":' * 50_000,
        '{"date_of_birth": ' + "9" * 5000 + "}",
    ],
    ids=[
        "empty",
        "cut off",
        "list",
        "text",
        "null",
        "nan",
        "twice",
        "not utf-8",
        "deep list",
        "deep object",
        "digits",
    ],
)
def test_refuses_odd_bodies(body, api):
    response = api.post_json(PATIENTS, body)

    assert response.status_code == 400 and response["Content-Type"] == "application/problem+json"


def test_refuses_names_that_cannot_be_stored(api, ana):
    for name in ("A\\ud800", "A\\u0000", "\\u202eA"):
        response = api.post_json(PATIENTS, f'{{"full_name": "{name}"}}')
        assert ("full_name", "invalid") in fields(response)


def test_every_refusal_is_a_problem(api, ana, registered, client):
    number = registered().display_number
    one = f"{PATIENTS}{number}/"
    refusals = [
        (client.get(PATIENTS), 401),
        (client.get(PATIENTS, headers={"Authorization": "Bearer nonsense"}), 401),
        (client.get(f"{one}document-photo/"), 401),
        (client.get(PATIENTS, headers={"Authorization": "Bearer ñ"}), 401),
        (client.get(PATIENTS, headers={"Authorization": "Bearer a b"}), 401),
        (api.get(f"{PATIENTS}7K4M-2Q9X/"), 404),
        (api.get(f"{PATIENTS}0000-0000/"), 404),
        (api.get("/api/nowhere/"), 404),
        (api.delete(one), 405),
        (api.put(one), 405),
        (api.post(PATIENTS, "x", content_type="text/plain"), 415),
        (api.get(PATIENTS, headers={"Accept": "application/xml"}), 406),
        (api.get(f"{PATIENTS}?cursor=nonsense"), 400),
        (api.get(f"{PATIENTS}?cursor=cD1hYmM="), 400),
        (api.get(f"{PATIENTS}?cursor=cD0A"), 400),
        (api.post_json(PATIENTS, ana), 409),
        (api.post_json(PATIENTS, b"x", CONTENT_LENGTH="99000000"), 413),
        (api.patch_json(one, {}, headers={"If-Match": '"other"'}), 412),
    ]
    for response, status in refusals:
        assert response.status_code == status
        assert response["Content-Type"] == "application/problem+json"
        assert response.json()["status"] == status and response.json()["title"]
        page = client.get(response.json()["type"].removeprefix("http://127.0.0.1:8000"))
        assert page.status_code == 200 and response.json()["title"] in html.unescape(page.content.decode())
    assert refusals[0][0]["WWW-Authenticate"] == "Bearer"
    assert "PATCH" in next(response for response, status in refusals if status == 405)["Allow"]


@pytest.mark.django_db
def test_an_address_without_its_last_slash_is_refused_not_redirected_to_a_get():
    response = Client(enforce_csrf_checks=True).post(PATIENTS.removesuffix("/"), {}, content_type="application/json")

    assert (response.status_code, response["Content-Type"]) == (404, "application/problem+json")


def test_a_taken_address_tells_nothing_of_who_has_it(api, ana, registered):
    patient = registered(full_name="Somebody Else")

    response = api.post_json(PATIENTS, ana)

    assert response.json()["type"].endswith("/problems/email-taken")
    assert "Somebody" not in response.content.decode() and patient.display_number not in response.content.decode()
    assert api.post_json(PATIENTS, ana | {"shared_email": True}).json()["shared_email"] is True


def test_a_photo_over_the_limit_is_too_large(api, ana, settings):
    settings.MAX_PHOTO_BYTES = 10_000

    response = api.post_json(PATIENTS, ana)

    assert response.status_code == 413
    assert response.json()["errors"][0]["detail"] == "The selected file must be smaller than 0.01MB"


def test_a_file_over_the_limit_is_not_kept_while_it_arrives(api, upload, settings, stored_files):
    settings.MAX_PHOTO_BYTES = 100_000
    counted = api.post(PATIENTS, ANA | {"document_photo": upload(b"\xff\xd8\xff" + b"x" * 120_000)})
    unread = api.post(PATIENTS, ANA | {"document_photo": upload(b"\xff\xd8\xff" + b"x" * 200_000)})

    assert counted.status_code == unread.status_code == 413
    assert counted.json()["errors"][0]["field"] == "document_photo" and stored_files() == []
    assert "errors" not in unread.json()  # its fields were not even looked at


def test_a_database_that_is_away_is_503_and_a_full_disk_507(api, ana, monkeypatch, stored_files):
    api.raise_request_exception = False
    for failure, status in (
        (OperationalError(2003, "Can't connect to server"), 503),
        (OperationalError("database or disk is full"), 507),
        (OSError(28, "No space left on device"), 507),
        (RuntimeError("a defect"), 500),
    ):

        def fail(*args, failure=failure, **kwargs):
            raise failure

        monkeypatch.setattr(Message, "save", fail)
        response = api.post_json(PATIENTS, ana)
        assert response.status_code == status and response["Content-Type"] == "application/problem+json"
        assert status != 503 or response["Retry-After"] == "2"
    assert stored_files() == [] and not Patient.objects.exists()


def test_lists_newest_first_by_cursor(api, registered, settings):
    for count in range(25):
        registered(full_name=f"Patient {count}", email=f"p{count}@example.org")

    first = api.get(PATIENTS).json()
    registered(full_name="Latecomer", email="late@example.org")
    second = api.get(first["next"]).json()

    names = [patient["full_name"] for patient in first["results"] + second["results"]]
    assert names == [f"Patient {count}" for count in range(24, -1, -1)]
    assert second["next"] is None and api.get(second["previous"]).status_code == 200
    assert [patient["full_name"] for patient in api.get(PATIENTS, {"search": "late"}).json()["results"]] == [
        "Latecomer"
    ]


def test_a_lists_queries_do_not_grow(api, registered, django_assert_max_num_queries, monkeypatch):
    monkeypatch.setattr(CallsThrottle, "allow_request", lambda *args: True)  # it counts anew each minute
    for count in range(12):
        registered(email=f"p{count}@example.org")
    api.get(PATIENTS)  # notes that the token was used

    with django_assert_max_num_queries(10):
        assert len(api.get(PATIENTS).json()["results"]) == 12


def test_corrects_with_an_entity_tag(api, registered):
    url = f"{PATIENTS}{registered().display_number}/"
    tag = api.get(url)["ETag"]

    changed = api.patch_json(url, {"full_name": "Ana Pérez"}, headers={"If-Match": tag})
    stale = api.patch_json(url, {"full_name": "Ana López"}, headers={"If-Match": tag})
    weak = api.patch_json(url, {"full_name": "Ana López"}, headers={"If-Match": f"W/{changed['ETag']}"})
    blind = api.patch_json(url, {"phone": "+1 202 555 0123"})

    assert changed.status_code == 200 and changed.json()["full_name"] == "Ana Pérez" and changed["ETag"] != tag
    assert stale.status_code == weak.status_code == 412 and stale.json()["type"].endswith(
        "/problems/changed-meanwhile"
    )
    assert blind.json()["phone"] == "+12025550123" and blind.json()["full_name"] == "Ana Pérez"
    assert api.get(url)["ETag"] == blind["ETag"]


def test_says_when_what_was_read_is_still_so(api, registered, ana):
    url = api.post_json(PATIENTS, ana)["Location"]
    tag = api.get(url)["ETag"]
    seen = AuditEvent.objects.count()

    for known in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        unchanged = api.get(url, headers={"If-None-Match": known})
        assert (unchanged.status_code, unchanged.content, unchanged["ETag"]) == (304, b"", tag), known
    assert AuditEvent.objects.count() == seen
    assert api.get(url, headers={"If-None-Match": '"other"'}).status_code == 200

    tasks.deliver(Message.objects.get().pk)
    sent = api.get(url, headers={"If-None-Match": tag})
    assert sent.status_code == 200 and sent["ETag"] != tag
    assert api.patch_json(url, {"address": "Elsewhere 1"}, headers={"If-Match": tag}).status_code == 200


def test_corrects_photo_and_sharing(api, registered, photo, stored_files):
    url = f"{PATIENTS}{registered().display_number}/"
    before = set(stored_files())

    response = api.patch_json(
        url, {"document_photo": base64.b64encode(pictures.encoded()).decode(), "shared_email": True}
    )

    assert response.json()["shared_email"] is True
    assert len(stored_files()) == 2 and not before & set(stored_files())


def test_a_correction_may_not_take_anothers_address(api, registered):
    registered()
    juan = registered(email="juan@example.org")

    response = api.patch_json(f"{PATIENTS}{juan.display_number}/", {"email": "ANA@example.org"})

    assert response.status_code == 409
    assert "ETag" not in response  # of a version that the record never had
    assert api.patch_json(f"{PATIENTS}{juan.display_number}/", {"number": "x", "a": 1}).status_code == 400


def test_shows_every_message(api, registered):
    patient = registered()
    Message.objects.update(status="failed", failure="answered 550", attempts=1)
    Message.objects.create(patient=patient, channel="email")

    response = api.get(f"{PATIENTS}{patient.display_number}/messages/")
    newest, oldest = response.json()
    assert "no-store" in response["Cache-Control"]

    assert (newest["status"], oldest["status"], oldest["failure"]) == ("queued", "failed", "the server answered 550")
    assert api.get(f"{PATIENTS}7K4M-2Q9X/messages/").status_code == 404


def test_a_form_without_any_part_is_not_an_empty_one(api, registered):
    url = f"{PATIENTS}{registered().display_number}/"

    answer = api.patch(url, "--X--\r\n", content_type="multipart/form-data; boundary=X")

    assert answer.status_code == 400 and answer.json()["detail"] == str(parsers.NO_PART)


def test_a_field_sent_twice_is_an_error(api, upload):
    response = api.post(PATIENTS, ANA | {"full_name": ["Ana", "Juan"], "document_photo": upload()})

    assert fields(response) == {("full_name", "repeated")}


def test_text_of_a_form_in_another_encoding_is_refused_not_mangled(api):
    text = '--X\r\nContent-Disposition: form-data; name="full_name"\r\n\r\nAna Mar\xeda\r\n--X--\r\n'

    answer = api.post(PATIENTS, text.encode("latin-1"), content_type="multipart/form-data; boundary=X")

    assert answer.status_code == 400 and answer.json()["detail"] == str(parsers.NOT_UTF8_PARTS)


def test_shows_the_photo_and_notes_who_saw_it(api, registered, receptionist):
    patient = registered()
    url = api.get(f"{PATIENTS}{patient.display_number}/").json()["document_photo"]
    response = api.get(url, headers={"Accept": "image/jpeg"})

    assert response["Content-Type"] == "image/jpeg" and b"".join(response.streaming_content)[:2] == b"\xff\xd8"
    assert AuditEvent.objects.get(action="photo_seen").actor == receptionist


def test_each_call_needs_its_permission(member, registered, ana):
    url = f"{PATIENTS}{registered().display_number}/"
    user = member("Reader")
    token = ApiToken.issue(user)
    reader = ApiClient(headers={"Authorization": f"Bearer {token}"})

    assert reader.get(PATIENTS).status_code == reader.get(url).status_code == 200
    assert reader.post_json(PATIENTS, ana).status_code == reader.patch_json(url, {}).status_code == 403
    user.groups.clear()
    assert reader.get(PATIENTS).status_code == reader.get(url).status_code == 403
    assert reader.get(f"{url}document-photo/").status_code in (403, 404)
    User.objects.filter(pk=user.pk).update(is_active=False)
    assert reader.get(PATIENTS).status_code == 401


def test_a_token_is_printed_once_stored_hashed_and_expires(receptionist, registered, capsys):
    call_command("create_api_token", "front-desk", "--days", "7")
    token = capsys.readouterr().out.strip()

    assert "\n" not in token and len(token) >= 40
    stored = ApiToken.objects.get()
    assert token not in str(vars(stored)) and 6 <= (stored.expiry - timezone.now()).days <= 7
    client = ApiClient(headers={"Authorization": f"Bearer {token}"})
    assert client.get(PATIENTS).status_code == 200
    ApiToken.objects.update(expiry=timezone.now())
    assert client.get(PATIENTS).status_code == 401


def test_a_token_for_nobody_is_refused_with_a_sentence(db):
    with pytest.raises(CommandError, match="There is no user nobody"):
        call_command("create_api_token", "nobody")


def test_describes_itself_and_serves_its_documentation_from_here(client):
    schema = client.get("/api/schema/", headers={"Accept": "application/json"}).json()
    page = client.get("/api/docs/").content.decode()

    assert schema["openapi"].startswith("3.1") and "/api/v1/patients/" in schema["paths"]
    assert "//" not in page.replace("http://testserver/", "/") and "<script>" not in page and "<style>" not in page
