"""The front desk's pages, without script."""

import html
import re

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse
from PIL import Image

from patients import numbers, validators
from patients.messages.email import render
from patients.models import Message, Patient
from patients.photos import refusals, storage
from patients.tests import pictures
from patients.tests.canaries import found_in
from patients.tests.conftest import ANA

REGISTER = reverse("patients:register")


def test_asks_to_sign_in_first_and_comes_back(client, receptionist):
    receptionist.set_password("correct horse")
    receptionist.save()

    response = client.get("/", follow=True)
    assert response.redirect_chain[-1] == ("/accounts/login/?next=/patients/", 302)

    wrong = client.post("/accounts/login/", {"username": "front-desk", "password": "wrong"})
    assert "is not correct" in wrong.content.decode()
    right = client.post(
        "/accounts/login/?next=/patients/register/", {"username": "front-desk", "password": "correct horse"}
    )
    assert (right.status_code, right["Location"]) == (302, "/patients/register/")
    assert client.post("/accounts/logout/").status_code == 302
    assert client.get("/patients/").status_code == 302


def test_never_redirects_to_another_site(client, receptionist):
    receptionist.set_password("correct horse")
    receptionist.save()

    response = client.post(
        "/accounts/login/?next=https://evil.example/", {"username": "front-desk", "password": "correct horse"}
    )

    assert response["Location"] == "/patients/"


def test_a_registration_leads_to_its_record(desk, upload):
    response = desk.post(REGISTER, ANA | {"document_photo": upload()}, follow=True)

    patient = Patient.objects.get()
    assert response.redirect_chain == [(f"/patients/{patient.display_number}/", 302)]
    page = response.content.decode()
    assert f"has patient number <strong>{patient.display_number}</strong>" in page
    assert "A confirmation is on its way to ana@example.org" in page
    assert "queued" in page and f"/patients/{patient.display_number}/photo/" in page
    assert "has patient number" not in desk.get(response.redirect_chain[0][0]).content.decode()


@pytest.mark.parametrize(
    ("turns", "is_turned"),
    [("1", True), ("2", False), ("", False), ("-1", False), ("9" * 99, False)],
)
def test_a_photo_is_stored_turned_as_it_was_on_the_page(turns, is_turned, desk, upload):
    desk.post(REGISTER, ANA | {"document_photo": upload(), "document_photo-turns": turns})

    image = Image.open(storage.load(Patient.objects.get().document_photo.name, ""))
    assert (image.height > image.width) is is_turned


def test_a_script_is_told_where_the_record_is_and_not_led_there(desk, upload):
    response = desk.post(REGISTER, ANA | {"document_photo": upload()}, headers={"X-Requested-With": "XMLHttpRequest"})

    assert (response.status_code, response["Location"]) == (201, Patient.objects.get().get_absolute_url())
    assert "has patient number" in desk.get(response["Location"]).content.decode()


def test_shows_all_errors_with_what_was_typed(desk, errors):
    response = desk.post(REGISTER, {"full_name": "Ana <b>", "email": "ana", "phone": "12", "address": "Rincón 487"})

    assert response.status_code == 422
    assert errors(response) == [
        "Full name must not include invisible control characters, &lt; or &gt;",
        validators.EMAIL_FORMAT,
        validators.PHONE_FORMAT,
        refusals.PHOTO_MISSING,
    ]
    page = response.content.decode()
    assert "<title>Error: Register a patient" in page
    assert 'value="Ana &lt;b&gt;"' in page and 'value="ana"' in page and "Rincón 487</textarea>" in page
    assert 'href="#id_phone"' in page and 'aria-describedby="id_phone_helptext id_phone_error"' in page
    assert page.index('id="id_phone_error"') < page.index('name="phone"')


def test_the_browser_corrects_no_names_and_shows_the_right_keyboard(desk):
    page = desk.get(REGISTER).content.decode()

    inputs = {re.search('name="([^"]+)"', tag)[1]: tag for tag in re.findall("<input [^>]*name=[^>]*>", page)}
    assert all('spellcheck="false"' in inputs[name] for name in ("full_name", "email", "phone"))
    assert 'inputmode="email"' in inputs["email"] and 'inputmode="tel"' in inputs["phone"]


def test_a_taken_address_shows_who_has_it_and_offers_to_share(desk, registered, upload, errors):
    ana = registered()

    response = desk.post(REGISTER, ANA | {"full_name": "Juan", "document_photo": upload()})

    page = response.content.decode()
    assert errors(response) == [validators.EMAIL_TAKEN]
    assert f'href="/patients/{ana.display_number}/"' in page and "They share this address" in page


def test_needs_the_permission_for_each_deed(member, client, registered, stored_files):
    number = registered().display_number
    reader = member("Reader")
    client.force_login(reader)

    assert client.get("/patients/").status_code == client.get(f"/patients/{number}/").status_code == 200
    for url in (REGISTER, f"/patients/{number}/change/"):
        assert client.get(url).status_code == client.post(url, ANA).status_code == 403
    assert client.post(f"/patients/{number}/send-again/").status_code == 403
    reader.groups.clear()
    assert client.get("/patients/").status_code == client.get(f"/patients/{number}/").status_code == 403
    assert len(stored_files()) == 2


def test_refuses_a_form_from_elsewhere(receptionist, upload):
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(receptionist)

    assert browser.post(REGISTER, ANA | {"document_photo": upload()}).status_code == 403
    assert not Patient.objects.exists()


def test_lists_the_newest_first_page_by_page(desk, registered, settings):
    for count in range(23):
        registered(full_name=f"Patient {count}", email=f"p{count}@example.org")

    first = desk.get("/patients/")
    names = [patient.full_name for patient in first.context["patients"]]
    assert names == [f"Patient {count}" for count in range(22, 2, -1)]

    second = desk.get(f"/patients/?before={first.context['patients'][-1].display_number}")
    assert [patient.full_name for patient in second.context["patients"]] == ["Patient 2", "Patient 1", "Patient 0"]


@pytest.mark.parametrize("body", ["", '{"full_name": "Ana"}'])
def test_a_body_that_is_no_form_is_one_with_errors(body, desk):
    response = desk.post(REGISTER, body, content_type="application/json")

    assert response.status_code == 422 and desk.put(REGISTER).status_code == 405


def test_an_absurd_version_is_another_version(desk, registered):
    url = f"{registered().get_absolute_url()}change/"

    for version in ("9" * 5000, "-1", "x", ""):
        assert desk.post(url, ANA | {"full_name": "Juan", "version": version}).status_code == 422


def test_who_may_register_but_not_look_comes_back_to_the_form(client, upload, django_user_model):
    user = django_user_model.objects.create_user("kiosk")
    user.user_permissions.add(Permission.objects.get(codename="add_patient"))
    client.force_login(user)

    response = client.post(REGISTER, ANA | {"document_photo": upload()}, follow=True)

    assert response.status_code == 200 and response.redirect_chain == [(REGISTER, 302)]
    assert "Registered." in response.content.decode()


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        ("Ana Ñandú", "full_name"),
        ("Mary Hall", "full_name"),
        ("ana@example", "email"),
        ("+598 99 123", "phone"),
        (" (099) 123-456 ", "phone"),
        ("MARTINEZ", "full_name"),
    ],
)
def test_carries_what_was_searched_over_to_the_form(typed, field, desk):
    form = desk.post(REGISTER, {"search": typed}, follow=True).context["form"]

    values = {name: form[name].value() for name in ("full_name", "email", "phone")}
    assert {name for name, value in values.items() if value} == {field} and values[field] == typed.strip()


@pytest.mark.parametrize(("region", "example"), [("US", "(201) 555-0123"), ("ES", "612 34 56 78"), ("TA", "8999")])
def test_shows_how_phone_numbers_are_written_here(region, example, desk, settings):
    settings.PHONE_DEFAULT_REGION = region

    assert f"Like {example}, or with the country code, like +1 202 555 0123" in desk.get(REGISTER).content.decode()


@pytest.mark.parametrize("is_right", [True, False])
def test_carries_no_patient_number_over_to_the_form_even_mistyped(is_right, desk):
    typed = (f"7k4m-2q9{last}" for last in numbers.ALPHABET)
    number = next(number for number in typed if bool(numbers.normalize(number)) is is_right)
    form = desk.post(REGISTER, {"search": number}, follow=True).context["form"]

    assert not any(form[name].value() for name in ("full_name", "email", "phone"))


def test_what_is_searched_for_is_readable_in_no_address(desk, registered, settings):
    registered()
    for count in range(21):
        registered(full_name=f"Ana Ñandú {count}", email=f"p{count}@example.org")

    page = desk.post("/patients/", {"search": " ñandú "}, follow=True)
    addresses = [page.redirect_chain[0][0], re.search('rel="next" href="([^"]+)"', page.content.decode())[1]]
    fragment = desk.post("/patients/", {"search": "ñandú"}, headers={"X-Requested-With": "XMLHttpRequest"})
    addresses.append(fragment["Content-Location"])

    assert page.context["search"] == "ñandú" and len(page.context["patients"]) == 20
    assert not any(found_in(address) for address in addresses)
    assert len(desk.get(html.unescape(addresses[1])).context["patients"]) == 2
    assert len(desk.get(addresses[2]).context["patients"]) == 20
    settings.LINK_KEYS = [("other", b"x" * 32)]
    assert desk.get(addresses[2])["Location"] == desk.get("/patients/?sought=ñ")["Location"] == "/patients/"


def test_tells_a_script_only_what_is_new(desk, registered):
    def ask(etag=""):
        return desk.get("/patients/", headers={"X-Requested-With": "XMLHttpRequest", "If-None-Match": etag})

    ana = registered()
    first = ask()
    assert ana.display_number in first.content.decode() and "<html" not in first.content.decode()
    assert ask(first["ETag"]).status_code == 304 and not ask(first["ETag"]).content

    Message.objects.update(status="sent")
    sent = ask(first["ETag"])
    assert sent.status_code == 200 and ask(sent["ETag"]).status_code == 304
    registered(email="juan@example.org")
    assert ask(sent["ETag"]).status_code == 200


def test_a_script_that_looks_at_the_list_takes_no_notice_from_another_page(desk, upload):
    desk.post(REGISTER, ANA | {"document_photo": upload()})
    desk.get("/patients/", headers={"X-Requested-With": "XMLHttpRequest"})

    assert "has patient number" in desk.get(Patient.objects.get().get_absolute_url()).content.decode()


def test_the_number_of_queries_does_not_grow_with_the_patients(desk, registered, django_assert_max_num_queries):
    for count in range(12):
        registered(email=f"p{count}@example.org")
    desk.get("/patients/")  # notes in the session, once a minute, that it is in use

    with django_assert_max_num_queries(10):
        assert len(desk.get("/patients/").context["patients"]) == 12


def test_a_record_opens_however_its_number_is_written(desk, registered):
    patient = registered()

    for written in (patient.number, patient.display_number.lower()):
        assert desk.get(f"/patients/{written}/").status_code == 200
    for wrong in ("0000-0000", "7K4M-2Q9Z", "x" * 8, "1"):
        assert desk.get(f"/patients/{wrong}/").status_code == 404


def test_corrects_a_record(desk, registered):
    patient = registered()
    url = f"/patients/{patient.display_number}/change/"
    page = desk.get(url).content.decode()
    assert 'value="Ana María Ñandú"' in page and 'value="1984-02-29"' in page and 'name="version" value="1"' in page

    response = desk.post(url, ANA | {"full_name": "Ana Pérez", "version": 1})

    assert (response.status_code, response["Location"]) == (302, f"/patients/{patient.display_number}/")
    patient.refresh_from_db()
    assert patient.full_name == "Ana Pérez" and patient.version == 2


def test_that_they_share_an_address_stays_said_with_another_error(desk, registered):
    registered()
    eve = registered(full_name="Eve", email="eve@example.net", phone="+1 202 555 0123")
    typed = {"full_name": "Eve", "email": "ana@example.org", "phone": "12", "shared_email": "on", "version": 1}

    page = desk.post(f"{eve.get_absolute_url()}change/", typed).content.decode()

    assert 'name="shared_email" id="id_shared_email" checked' in page


def test_refuses_a_correction_of_what_somebody_else_changed_meanwhile(desk, registered, errors):
    patient = registered()
    url = f"/patients/{patient.display_number}/change/"
    desk.post(url, ANA | {"full_name": "Ana Pérez", "version": 1})

    response = desk.post(url, ANA | {"full_name": "Ana López", "version": 1})

    assert response.status_code == 422 and "Somebody else changed this record" in errors(response)[0]
    assert (
        f'<a href="{reverse("patients:change", args=[patient.display_number])}" target="_blank"'
        in response.content.decode()
    )
    patient.refresh_from_db()
    assert patient.full_name == "Ana Pérez"


def test_asks_to_check_a_photo_that_is_hard_to_read(desk, upload):
    dark = pictures.encoded(pictures.picture().point(lambda value: value // 8))

    page = desk.post(REGISTER, ANA | {"document_photo": upload(dark)}, follow=True).content.decode()

    assert "Check that the text can be read" in page


def test_sends_the_confirmation_again(desk, registered):
    patient = registered()
    record, url = f"/patients/{patient.display_number}/", f"/patients/{patient.display_number}/send-again/"
    assert "Send again" not in desk.get(record).content.decode()
    Message.objects.update(status="failed", failure="answered 550", attempts=1)

    page = desk.get(record).content.decode()
    assert "Not sent: the server answered 550" in page and "Send again" in page
    assert "will be sent again" in desk.post(url, follow=True).content.decode()
    assert Message.objects.get().status == "queued"
    assert desk.get(url).status_code == 405


def test_speaks_spanish_to_a_spanish_browser(desk):
    page = desk.get(REGISTER, headers={"Accept-Language": "es"}).content.decode()

    assert '<html lang="es"' in page and "Correo" in page


def test_the_desk_chooses_the_language_of_the_patients_mail(desk, upload):
    page = desk.get(REGISTER).content.decode()
    assert '<option value="en" selected>' in page

    desk.post(REGISTER, ANA | {"document_photo": upload(), "language": "es"})
    patient = Patient.objects.get()
    assert patient.language == "es" and render(patient.messages.get()).subject.startswith("Datos registrados")

    url = f"{patient.get_absolute_url()}change/"
    assert '<option value="es" selected>' in desk.get(url).content.decode()
    desk.post(url, ANA | {"version": 1})
    patient.refresh_from_db()
    assert patient.language == "es" and patient.version == 1
    desk.post(url, ANA | {"version": 1, "language": "en"})
    patient.refresh_from_db()
    assert patient.language == "en"
    assert desk.post(url, ANA | {"version": 2, "language": "xx"}).status_code == 422
