"""Somebody's own account: changing the password."""

import pytest
from django.contrib.auth.models import User
from django.test import Client

from patients.models import AuditEvent
from registration import account

LOGIN, PAGE = "/accounts/login/", "/accounts/password/"
OLD, NEW = "a long enough password", "another correct horse battery"


@pytest.fixture
def ana(member, settings):
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    user = member("Front desk", "ana")
    user.set_password(OLD)
    user.save()
    return user


def signed_in(password=OLD):
    client = Client()
    client.post(LOGIN, {"username": "ana", "password": password})
    return client


def change(client, old=OLD, new=NEW, again=None):
    return client.post(
        PAGE, {"old_password": old, "new_password1": new, "new_password2": new if again is None else again}
    )


def test_changing_the_password_ends_all_other_sessions(ana):
    here, elsewhere = signed_in(), signed_in()
    key = here.session.session_key

    assert change(here)["Location"] == "/accounts/"

    assert here.get("/patients/").status_code == 200 and here.session.session_key != key
    assert elsewhere.get("/patients/").status_code == 302
    assert signed_in(OLD).get("/patients/").status_code == 302
    assert signed_in(NEW).get("/patients/").status_code == 200


@pytest.mark.parametrize(
    ("entered", "sentence"),
    [
        ({"old": "wrong"}, account.OLD_WRONG),
        ({"old": ""}, account.OLD_MISSING),
        ({"new": ""}, account.NEW_MISSING),
        ({"again": ""}, account.REPEAT_MISSING),
        ({"again": "something else entirely"}, account.MISMATCH),
        ({"new": "elevenchars"}, "at least 12 characters"),
        ({"new": "Riverside Clinic 2026!"}, "made of the clinic’s name"),
        ({"new": "passwordpassword"}, "made of the clinic’s name"),
        ({"new": "aaaaaaaaaaaa"}, None),
    ],
)
def test_says_what_is_wrong(ana, entered, sentence):
    client = signed_in()
    page = change(client, **entered)

    if sentence:
        assert page.status_code == 200 and str(sentence) in page.content.decode().replace("&#x27;", "'")
        assert signed_in(OLD).get("/patients/").status_code == 200


def test_takes_any_composition_and_any_length(ana):
    client = signed_in()
    new = "  123 456 789 012 345 ñ 😀 " + "x" * 200

    assert change(client, new=new).status_code == 302
    assert signed_in(new).get("/patients/").status_code == 200


def test_the_present_password_cannot_be_guessed_here_either(ana, settings):
    client = signed_in()
    for number in range(settings.SIGN_IN_TRIES):
        change(client, old=f"guess {number}")

    assert change(client).status_code == 200
    assert User.objects.get().check_password(OLD)


def test_admins_page_for_it_is_this_one(back_office):
    assert back_office.get("/admin/password_change/")["Location"] == PAGE


def test_a_password_that_an_administrator_resets_ends_the_sessions(ana, back_office):
    client = signed_in()

    entered = {"password1": NEW, "password2": NEW, "usable_password": "true"}
    assert back_office.post(f"/admin/auth/user/{ana.pk}/password/", entered).status_code == 302

    assert client.get("/patients/").status_code == 302
    assert signed_in(NEW).get("/patients/").status_code == 200


def test_an_administrator_lets_somebody_try_again(ana, back_office, settings):
    for _ in range(settings.SIGN_IN_TRIES):
        signed_in("wrong")
    assert signed_in().get("/patients/").status_code == 302

    back_office.post("/admin/auth/user/", {"action": "let_try_again", "_selected_action": [ana.pk]})

    assert signed_in().get("/patients/").status_code == 200
    assert AuditEvent.objects.get(action="account_changed").detail == f"{ana}: may try again"
