"""Form, API and admin register in the same way: the same rules, the same words, the same record."""

import pytest
from django.urls import reverse
from django_q.models import OrmQ

from patients import validators
from patients.models import AuditEvent, Message, Patient, PhotoDraft
from patients.photos import refusals
from patients.tests import pictures
from patients.tests.conftest import ANA


@pytest.fixture(params=["form", "api", "admin"])
def door(request, desk, api, back_office, upload):
    """Register through one of the doors; return the response and the texts of the errors by field."""
    if request.param == "api":

        def knock(**values):
            entered = ANA | {"document_photo": upload()} | values
            response = api.post(reverse("api:patients"), {k: v for k, v in entered.items() if v is not None})
            problem = response.json() if response.status_code != 201 else {}
            return response, {error["field"]: error["detail"] for error in problem.get("errors", [])}

    else:
        client, url = {
            "form": (desk, reverse("patients:register")),
            "admin": (back_office, reverse("admin:patients_patient_add")),
        }[request.param]

        def knock(**values):
            entered = ANA | {"document_photo": upload()} | values
            response = client.post(url, {k: v for k, v in entered.items() if v is not None})
            form = response.context and (response.context.get("form") or response.context["adminform"].form)
            return response, {name: texts[0] for name, texts in form.errors.items()} if form else {}

    knock.name = request.param
    return knock


def test_registers(door, stored_files):
    response, errors = door()

    patient = Patient.objects.get()
    assert errors == {} and response.status_code in (201, 302)
    assert (patient.full_name, patient.email, patient.phone) == ("Ana María Ñandú", "ana@example.org", "+59899123456")
    assert (patient.address, str(patient.date_of_birth)) == ("Rincón 487\nMontevideo", "1984-02-29")
    assert (patient.source, patient.email_key, patient.language) == (door.name, "ana@example.org", "en")
    assert patient.registered_by.username == ("admin" if door.name == "admin" else "front-desk")
    assert len(stored_files()) == 2
    message = Message.objects.get()
    assert (message.patient, message.status, message.attempts) == (patient, "queued", 0)
    assert OrmQ.objects.get().task["args"] == (message.pk, response["X-Request-ID"])
    assert AuditEvent.objects.filter(action="registered", patient_number=patient.number).count() == 1


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("full_name", None, validators.NAME_MISSING),
        ("full_name", "   ", validators.NAME_MISSING),
        ("full_name", "a" * 201, validators.NAME_TOO_LONG),
        ("full_name", "Ana\x00", validators.NAME_CHARACTERS),
        ("full_name", "<script>", validators.NAME_CHARACTERS),
        ("full_name", "www.evil.example", validators.NAME_WEB_ADDRESS),
        ("email", "", validators.EMAIL_MISSING),
        ("email", "ana", validators.EMAIL_FORMAT),
        ("email", "aña@example.org", validators.EMAIL_ACCENTS),
        ("phone", None, validators.PHONE_MISSING),
        ("phone", "12", validators.PHONE_FORMAT),
        ("phone", "+1 800 FLOWERS", validators.PHONE_FORMAT),
        ("phone", "+49 8300 5409 5499 573", validators.PHONE_FORMAT),
        ("address", "x" * 501, validators.ADDRESS_TOO_LONG),
        ("date_of_birth", "1984-02-30", validators.BIRTH_FORMAT),
        ("date_of_birth", "2984-02-28", validators.BIRTH_FUTURE),
        ("date_of_birth", "1899-12-31", validators.BIRTH_EARLY),
        ("document_photo", None, refusals.PHOTO_MISSING),
    ],
)
def test_refuses_with_the_same_words(door, field, value, message):
    response, errors = door(**{field: value})

    assert errors == {field: str(message)}
    assert response.status_code == {"form": 422, "api": 400, "admin": 200}[door.name]
    assert not Patient.objects.exists()


@pytest.mark.parametrize("content", [b"%PDF-1.7 ...", b"", b"GIF89a" + b"\0" * 500])
def test_refuses_a_file_that_is_no_photo_whatever_it_is_called(door, content, upload, stored_files):
    response, errors = door(document_photo=upload(content, "document.jpg", "image/jpeg"))

    assert list(errors) == ["document_photo"]
    assert response.status_code in (200, 400, 422)
    assert stored_files() == [] and not Patient.objects.exists()


def test_says_all_errors_at_once(door, registered):
    registered()

    _, errors = door(full_name="", phone="", date_of_birth="x", document_photo=None)

    assert {"full_name", "phone", "date_of_birth", "document_photo"} <= set(errors)


def test_refuses_a_taken_address_in_any_case_and_leaves_nothing(door, registered, stored_files):
    registered()

    response, errors = door(email="ANA@Example.ORG", full_name="Juan")

    assert response.status_code == {"form": 422, "api": 409, "admin": 200}[door.name]
    assert errors == ({} if door.name == "api" else {"email": str(validators.EMAIL_TAKEN)})
    assert Patient.objects.count() == Message.objects.count() == OrmQ.objects.count() == 1
    assert PhotoDraft.objects.count() == (0 if door.name == "api" else 1)  # kept for the form's next try
    assert len(stored_files()) == 2 + 2 * PhotoDraft.objects.count()


def test_lets_people_share_an_address_when_told_so(door, registered):
    registered()

    door(full_name="Juan", shared_email="on" if door.name != "api" else "true")

    juan = Patient.objects.get(full_name="Juan")
    assert juan.shared_email and juan.email_key is None


def test_addresses_differ_by_accents_and_dots_on_every_database(door, registered, upload, photo):
    registered(email="jose@example.org")

    for count, email in enumerate(("jo.se@example.org", "jose@xn--exmple-cua.org", "jose@example.org.uk")):
        other = upload(pictures.with_comment(photo, email))  # else the form asks who it is
        name = ["Ana", "Juan", "Zoe"][count]
        _, errors = door(email=email, full_name=name, date_of_birth=None, document_photo=other)
        assert errors == {}

    assert Patient.objects.count() == 4


def test_keeps_names_of_four_byte_characters_and_the_longest_values(door):
    name = "𠮷👩‍⚕️" * 40
    email = "a" * 64 + "@" + ".".join(["b" * 60] * 3) + ".org"
    _, errors = door(full_name=name, address="ñ" * 500, email=email)

    patient = Patient.objects.get()
    assert errors == {}
    assert (patient.full_name, patient.address, patient.email) == (name, "ñ" * 500, email)
