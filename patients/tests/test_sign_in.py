"""Signing in: who is let in, who is held off, and what the answers tell."""

import threading
from html.parser import HTMLParser

import pytest
from axes.models import AccessAttempt
from django.contrib.auth.hashers import MD5PasswordHasher, make_password
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.db import connection
from django.test import Client
from django.utils import timezone

from registration import lockout, sign_in

LOGIN = "/accounts/login/"
PASSWORD, WRONG = "a long enough password", "a wrong password"


@pytest.fixture(autouse=True)
def hashers(settings):
    """Passwords cost nothing here. Return the settings that they have in the service."""
    real = settings.PASSWORD_HASHERS
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    return real


@pytest.fixture
def ana(db):
    return User.objects.create_user("ana", password=PASSWORD)


def knock(username="ana", password=WRONG, *, address="192.0.2.1", client=None, **more):
    """Try to sign in and return the answer."""
    client = client or Client()
    return client.post(LOGIN, {"username": username, "password": password} | more, REMOTE_ADDR=address)


def is_in(response):
    return response.status_code == 302


class Text(HTMLParser):
    def __init__(self):
        super().__init__()
        self.found = []

    def handle_data(self, data):
        self.found.append(data.strip())


def shown(response):
    """Return the text of a page."""
    parser = Text()
    parser.feed(response.content.decode())
    return [text for text in parser.found if text]


def test_lets_the_right_person_in_with_a_new_session(ana, client):
    client.get(LOGIN)
    session = client.session
    session["planted"] = True
    session.save()
    client.cookies["sessionid"] = session.session_key

    response = knock(password=PASSWORD, client=client)

    assert is_in(response) and response["Location"] == "/patients/"
    assert client.session.session_key != session.session_key
    assert not Session.objects.filter(pk=session.session_key).exists()


def test_passwords_are_stored_with_argon2id(settings, hashers):
    settings.PASSWORD_HASHERS = hashers

    assert make_password(PASSWORD).startswith("argon2$argon2id$")


def test_answers_alike_whether_unknown_wrong_deactivated_or_after_too_many_tries(ana, settings):
    User.objects.create_user("gone", password=PASSWORD, is_active=False)
    wrong = knock()
    answers = [knock("nobody"), knock("gone"), knock("gone", PASSWORD)]
    for _ in range(settings.SIGN_IN_TRIES):
        answers += [knock(), knock("nobody")]
    answers.append(knock(password=PASSWORD))  # after too many tries

    assert str(sign_in.WRONG) in shown(wrong)[shown(wrong).index("There is a problem") + 1]
    for answer in answers:
        assert answer.status_code == wrong.status_code == 200
        assert shown(answer) == shown(wrong)


def test_looks_at_the_password_as_often_whatever_the_answer(ana, settings, monkeypatch):
    User.objects.create_user("gone", password=PASSWORD, is_active=False)
    looks = []
    encode = MD5PasswordHasher.encode
    monkeypatch.setattr(MD5PasswordHasher, "encode", lambda *args: looks.append(1) or encode(*args))

    def looks_at(username, password=WRONG):
        before = len(looks)
        knock(username, password)
        return len(looks) - before

    counts = [looks_at("ana"), looks_at("nobody"), looks_at("gone", PASSWORD)]
    for _ in range(settings.SIGN_IN_TRIES):
        knock()
    counts += [looks_at("ana"), looks_at("ana", PASSWORD)]

    assert len(set(counts)) == 1 and counts[0] > 0


def test_holds_off_by_name_and_address_and_lets_the_right_person_in_from_elsewhere(ana, settings):
    for _ in range(settings.SIGN_IN_TRIES):
        assert not is_in(knock())

    assert not is_in(knock(password=PASSWORD))
    assert is_in(knock(password=PASSWORD, address="192.0.2.2"))


def test_holds_off_an_address_that_tries_many_names(ana, settings):
    settings.SIGN_IN_TRIES_PER_ADDRESS = 7
    for number in range(7):
        knock(f"name{number}")

    assert not is_in(knock(password=PASSWORD))
    assert is_in(knock(password=PASSWORD, address="192.0.2.2"))


def test_another_address_of_the_same_ipv6_network_is_the_same(ana, settings):
    for number in range(settings.SIGN_IN_TRIES):
        knock(address=f"2001:db8:1:2::{number}")

    assert not is_in(knock(password=PASSWORD, address="2001:db8:1:2:ffff::1"))
    assert is_in(knock(password=PASSWORD, address="2001:db8:1:3::1"))


def test_a_header_makes_no_other_address(ana, settings):
    for number in range(settings.SIGN_IN_TRIES):
        knock(client=Client(headers={"X-Forwarded-For": f"198.51.100.{number}"}))

    assert not is_in(knock(password=PASSWORD, client=Client(headers={"X-Forwarded-For": "198.51.100.99"})))


def test_counts_by_address_behind_the_proxy(ana, settings):
    settings.PROXIES = 1
    for number in range(settings.SIGN_IN_TRIES):
        knock(client=Client(headers={"X-Forwarded-For": f"203.0.113.{number}, 198.51.100.7"}))

    assert not is_in(knock(password=PASSWORD, client=Client(headers={"X-Forwarded-For": "198.51.100.7"})))
    assert is_in(knock(password=PASSWORD, client=Client(headers={"X-Forwarded-For": "198.51.100.8"})))


def test_the_pause_ends_though_somebody_goes_on_trying(ana, settings):
    for _ in range(settings.SIGN_IN_TRIES):
        knock()
    last = AccessAttempt.objects.get().attempt_time
    knock()

    assert AccessAttempt.objects.get().attempt_time == last
    AccessAttempt.objects.update(attempt_time=last - timezone.timedelta(minutes=settings.SIGN_IN_PAUSE_MINUTES))
    assert is_in(knock(password=PASSWORD))
    assert not AccessAttempt.objects.exists()


def test_signing_in_forgives_ones_own_tries_alone(ana, settings):
    knock()
    knock("somebody else")

    assert is_in(knock(password=PASSWORD))
    assert AccessAttempt.objects.get().failures_since_start == 1


def test_an_administrator_can_forgive(ana, settings):
    for _ in range(settings.SIGN_IN_TRIES):
        knock()
    lockout.forgive("ana")

    assert is_in(knock(password=PASSWORD))


def test_nothing_that_was_typed_is_kept(ana):
    knock("ana@example.org", "hunter2 hunter2", next="/patients/?search=Ñandú", other="Ana María")

    kept = str([list(AccessAttempt.objects.values_list())])
    for typed in ("ana", "hunter2", "Ñandú", "María", "search"):
        assert typed not in kept


def test_user_names_are_case_sensitive_on_every_database(ana):
    for name in ("ANA", "Ana", "ána", "añá"):
        assert not is_in(knock(name, PASSWORD))


@pytest.mark.parametrize("name", ["x" * 5000, "nul\0", "😀" * 100, "' OR 1=1 --", "\u202eana"])
def test_odd_names_are_simply_wrong(db, name):
    for _ in range(2):
        assert knock(name).status_code == 200


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_a_thousand_tries_at_once_hardly_get_further_than_the_limit(settings, monkeypatch):
    User.objects.create_user("ana", password=PASSWORD)
    looks, threads = [], 8
    authenticate = sign_in.ExactNames.authenticate
    monkeypatch.setattr(
        sign_in.ExactNames, "authenticate", lambda *args, **named: looks.append(1) or authenticate(*args, **named)
    )
    statuses = []

    def try_many():
        client = Client()
        for _ in range(125):
            statuses.append(knock(client=client).status_code)
        connection.close()

    racers = [threading.Thread(target=try_many) for _ in range(threads)]
    for racer in racers:
        racer.start()
    for racer in racers:
        racer.join()

    assert statuses == [200] * 1000
    assert settings.SIGN_IN_TRIES <= len(looks) <= settings.SIGN_IN_TRIES + threads
    assert not is_in(knock(password=PASSWORD))
    assert is_in(knock(password=PASSWORD, address="198.51.100.1"))


@pytest.mark.parametrize(
    ("wanted", "led_to"),
    [
        ("/patients/register/", "/patients/register/"),
        ("/patients/?search=a&before=b", "/patients/?search=a&before=b"),
        *(
            (wanted, "/patients/")
            for wanted in (
                "https://evil.example/", " //evil.example", "\x00",
                "//evil.example", "///evil.example", r"/\evil.example", r"\\evil.example",
                "https:evil.example", "http:///evil.example", "javascript:alert(1)", "data:text/html,x",
                "https://testserver@evil.example/", "ftp://testserver/",
            )
        ),
    ],
)  # fmt: skip
def test_leads_on_to_local_addresses_alone(ana, wanted, led_to):
    response = knock(password=PASSWORD, next=wanted)

    assert response["Location"] == led_to


def test_admin_has_no_other_way_in(ana, client):
    response = client.get("/admin/patients/patient/?q=1", follow=True)

    assert response.redirect_chain[-1][0] == "/accounts/login/?next=%2Fadmin%2Fpatients%2Fpatient%2F%3Fq%3D1"
    assert client.post("/admin/login/", {"username": "ana", "password": PASSWORD}).status_code == 302
    assert "_auth_user_id" not in client.session
    client.force_login(ana)
    assert client.get("/admin/", follow=True).status_code == 403
