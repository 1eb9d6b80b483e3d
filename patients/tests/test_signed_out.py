"""Whose session ends while they are typing loses nothing by signing in again."""

import re

import pytest

from patients.models import Patient
from patients.tests.conftest import ANA

REGISTER = "/patients/register/"


@pytest.fixture
def sign_in(client, receptionist):
    receptionist.set_password("correct horse")
    receptionist.save()

    def sign_in(path=REGISTER):
        form = {"username": receptionist.username, "password": "correct horse"}
        return client.post(f"/accounts/login/?next={path}", form, follow=True)

    return sign_in


def values(response):
    return {name: response.context["form"][name].value() for name in ("full_name", "email", "phone", "address")}


def test_finds_what_was_typed_after_signing_in_again(client, sign_in):
    refused = client.post(REGISTER, ANA | {"submission_id": "one"})
    assert (refused.status_code, refused["Location"]) == (302, f"/accounts/login/?next={REGISTER}")
    page = sign_in()

    assert page.status_code == 200 and page.redirect_chain == [(REGISTER, 302)] and not Patient.objects.exists()
    assert values(page) == {name: ANA[name] for name in values(page)}
    assert "What you entered is here" in page.content.decode() and 'value="one"' in page.content.decode()
    assert not any(values(client.get(REGISTER)).values())


def test_keeps_a_photo_that_was_kept_already(client, sign_in, upload):
    sign_in()
    first = client.post(REGISTER, ANA | {"phone": "1", "document_photo": upload()})
    token = re.search(r'name="kept_photo" value="([^"]+)"', first.content.decode())[1]
    client.logout()
    client.post(REGISTER, ANA | {"kept_photo": token})
    page = sign_in()

    assert "Photo kept: document.jpg" in page.content.decode() and not page.context["form"].errors
    assert client.post(REGISTER, ANA | {"kept_photo": token}).status_code == 302


def test_goes_on_with_a_correction_from_the_version_that_it_began_with(client, sign_in, registered):
    patient = registered()
    url = f"{patient.get_absolute_url()}change/"
    client.post(url, ANA | {"full_name": "Ana Pérez", "version": "7"})
    page = sign_in(url)

    assert values(page)["full_name"] == "Ana Pérez" and 'name="version" value="7"' in page.content.decode()
    patient.refresh_from_db()
    assert patient.full_name == ANA["full_name"]


def test_is_shown_on_no_other_page(client, sign_in, registered):
    url = f"{registered().get_absolute_url()}change/"
    client.post(REGISTER, {"full_name": "Somebody Else"})
    sign_in()
    client.post(url, {"full_name": "Somebody Else"})

    assert values(client.get(url))["full_name"] == ANA["full_name"]


def test_nothing_is_kept_for_a_script_nor_of_a_flood(client, db):
    client.post(REGISTER, ANA, headers={"X-Requested-With": "XMLHttpRequest"})
    client.post(REGISTER, {"full_name": "x" * 30_000})

    assert "entered" not in client.session
