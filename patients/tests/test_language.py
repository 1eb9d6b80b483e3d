"""Staff are spoken to in the language that they chose, in whatever browser."""

import pytest
from django.test import Client

from patients.models import ChosenLanguage

REGISTER = "/patients/register/"


@pytest.fixture
def account(receptionist):
    receptionist.set_password("correct horse")
    receptionist.save()
    return {"username": receptionist.username, "password": "correct horse"}


def language_of(response):
    return response.content.decode().split('<html lang="')[1][:2]


def test_is_remembered_for_the_user_in_another_browser(account):
    first, second = Client(), Client()
    first.post("/accounts/login/", account)
    chosen = first.post("/language/", {"language": "es", "next": REGISTER})
    assert (chosen.status_code, chosen["Location"]) == (302, REGISTER)
    assert language_of(first.get(REGISTER)) == "es"

    assert language_of(second.get("/accounts/login/")) == "en"
    second.post("/accounts/login/", account)
    assert language_of(second.get(REGISTER, headers={"Accept-Language": "en"})) == "es"
    page = second.get(REGISTER).content.decode()
    assert "Correo" in page and "WebP o HEIC" in page


def test_of_one_user_is_not_that_of_the_next_at_the_same_desk(account, member):
    colleague = member("Front desk", "colleague")
    colleague.set_password("correct horse")
    colleague.save()
    browser = Client()
    for username, language in ((account["username"], "es"), ("colleague", "en")):
        browser.post("/accounts/login/", account | {"username": username})
        browser.post("/language/", {"language": language})
        browser.post("/accounts/logout/")

    browser.post("/accounts/login/", account)
    assert language_of(browser.get(REGISTER)) == "es"


def test_can_be_chosen_before_signing_in(client, db):
    client.post("/language/", {"language": "es", "next": "/accounts/login/"})

    assert language_of(client.get("/accounts/login/")) == "es"


def test_that_the_service_does_not_speak_is_not_chosen(desk):
    desk.post("/language/", {"language": "es"})
    for other in ("fr", "x" * 500, ""):
        desk.post("/language/", {"language": other, "next": "https://evil.example/"})

    assert ChosenLanguage.objects.get().language == "es" and language_of(desk.get(REGISTER)) == "es"


def test_is_changed_by_no_link(desk):
    assert desk.get("/language/", {"language": "es"}).status_code == 405
    assert language_of(desk.get(REGISTER)) == "en"


def test_leads_to_no_other_site(desk):
    response = desk.post("/language/", {"language": "es", "next": "https://evil.example/"})

    assert response["Location"] == "/"


def test_no_page_asks_the_database_for_it(desk, django_assert_num_queries):
    desk.get(REGISTER)
    with django_assert_num_queries(4):  # session, user, the user's and the groups' permissions
        desk.get(REGISTER)
