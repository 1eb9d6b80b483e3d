"""When a session ends, and that nothing entered is lost by it."""

import re
import time
from html.parser import HTMLParser

import pytest
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.test import Client

from patients.models import Patient
from patients.tests.canaries import found_in
from patients.tests.conftest import ANA
from registration import sessions

PASSWORD = "a long enough password"
REGISTER = "/patients/register/"


@pytest.fixture
def clock(monkeypatch):
    """A clock that is put forward by hand."""

    class Clock:
        now = time.time()

        def forward(self, *, minutes):
            self.now += minutes * 60

    clock = Clock()
    monkeypatch.setattr(sessions.time, "time", lambda: clock.now)
    return clock


@pytest.fixture
def reception(receptionist, settings, clock):
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    receptionist.set_password(PASSWORD)
    receptionist.save()
    client = Client()
    client.force_login(receptionist)
    assert client.get("/patients/").status_code == 200
    return client


def sign_in(client, page, username="front-desk", **more):
    """Fill in the sign-in page that was shown, with what it has in hidden fields."""
    entered = hidden(page) | {"username": username, "password": PASSWORD} | more
    return client.post("/accounts/login/", entered)


class Hidden(HTMLParser):
    def __init__(self):
        super().__init__()
        self.found, self.name = {}, None

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        if tag == "input" and attributes.get("type") == "hidden":
            self.found[attributes["name"]] = attributes.get("value", "")
        self.name = attributes.get("name") if tag == "textarea" else None

    def handle_data(self, data):
        if self.name:
            self.found[self.name] = self.found.get(self.name, "") + data

    def handle_endtag(self, tag):
        self.name = None


def hidden(page):
    """Return what the page's main form sends without anybody's doing."""
    parser = Hidden()
    parser.feed(page.content.decode().split("<main")[1].split("</main")[0])
    return {name: value.removeprefix("\n") for name, value in parser.found.items()}


def test_ends_when_nothing_is_done_for_a_while(reception, clock, settings):
    clock.forward(minutes=settings.SESSION_IDLE_MINUTES - 1)
    assert reception.get("/patients/").status_code == 200
    key = reception.session.session_key
    clock.forward(minutes=settings.SESSION_IDLE_MINUTES)

    response = reception.get("/patients/?search=7K4M")

    assert response.status_code == 302 and response["Location"] == "/accounts/login/?next=/patients/%3Fsearch%3D7K4M"
    assert str(sessions.TIMED_OUT) in reception.get(response["Location"]).content.decode()
    assert not Session.objects.filter(pk=key).exists()


def test_ends_for_who_signs_in_and_does_nothing_more(receptionist, clock, settings):
    client = Client()
    client.force_login(receptionist)
    clock.forward(minutes=settings.SESSION_IDLE_MINUTES)

    assert client.get("/patients/").status_code == 302


def test_ends_after_a_working_day_whatever_is_done(reception, clock, settings):
    for _ in range(settings.SESSION_HOURS * 4 - 1):
        clock.forward(minutes=15)
        assert reception.get("/patients/").status_code == 200
    clock.forward(minutes=16)

    assert reception.get("/patients/").status_code == 302


def test_a_page_that_keeps_itself_fresh_is_nobodys_doing(reception, clock, settings):
    for _ in range(settings.SESSION_IDLE_MINUTES - 1):
        clock.forward(minutes=1)
        for headers in ({"X-Requested-With": "XMLHttpRequest"}, {"Sec-Fetch-Dest": "empty"}):
            assert reception.get("/patients/", headers=headers).status_code == 200
    clock.forward(minutes=1)

    assert reception.get("/patients/").status_code == 302


def test_tells_a_script_how_long_it_goes_on_and_takes_a_sign_of_life(reception, clock, receptionist):
    clock.forward(minutes=10)
    script = {"headers": {"X-Requested-With": "XMLHttpRequest"}}
    state = reception.get("/accounts/session/", **script).json()
    assert (state["seconds"], state["user"]) == (20 * 60, receptionist.pk)

    assert reception.post("/accounts/session/", **script).json()["seconds"] == 30 * 60

    clock.forward(minutes=31)
    assert reception.get("/accounts/session/", **script).json()["seconds"] == 0
    assert Client().get("/accounts/session/").json() | {"token": ""} == {"seconds": 0, "user": None, "token": ""}


def test_being_used_costs_a_write_a_minute_at_most(reception, clock, django_assert_num_queries):
    clock.forward(minutes=2)
    reception.get("/accounts/")
    with django_assert_num_queries(4):  # the session, the user, and the second factor's devices of two kinds
        reception.get("/accounts/")


def test_what_was_entered_without_script_goes_on_after_signing_in(reception, clock, upload):
    clock.forward(minutes=31)
    entered = ANA | {"full_name": 'Ana <María> & "Ñandú"\'', "address": "\nRincón 487\r\nMontevideo"}

    page = reception.post(REGISTER, entered)
    assert page.status_code == 200 and "What you entered is kept" in page.content.decode()
    onward = sign_in(reception, page)

    assert hidden(onward) | {"csrfmiddlewaretoken": ""} == entered | {"csrfmiddlewaretoken": ""}
    assert f'action="{REGISTER}"' in onward.content.decode()
    form = reception.post(REGISTER, hidden(onward) | {"full_name": "Ana"})
    assert form.status_code == 422 and "Select a photo of the identity document" in form.content.decode()
    done = reception.post(REGISTER, hidden(onward) | {"full_name": "Ana", "document_photo": upload()})
    assert done.status_code == 302 and Patient.objects.get().full_name == "Ana"


def test_a_photo_that_was_kept_and_the_version_that_a_correction_began_with_go_on_too(
    reception, clock, upload, registered
):
    first = reception.post(REGISTER, ANA | {"phone": "1", "document_photo": upload()})
    token = re.search(r'name="kept_photo" value="([^"]+)"', first.content.decode())[1]
    clock.forward(minutes=31)

    onward = sign_in(reception, reception.post(REGISTER, ANA | {"kept_photo": token}))
    assert reception.post(REGISTER, hidden(onward)).status_code == 302

    patient = registered(email="ana.maria@example.org")
    clock.forward(minutes=31)
    url = f"{patient.get_absolute_url()}change/"
    onward = sign_in(reception, reception.post(url, ANA | {"version": "7"}))
    assert hidden(onward)["version"] == "7" and f'action="{url}"' in onward.content.decode()


def test_nothing_of_it_is_kept_here(reception, clock):
    clock.forward(minutes=31)
    sign_in(reception, reception.post(REGISTER, ANA))

    kept = str([session.get_decoded() for session in Session.objects.all()])
    assert not found_in(kept)


def test_it_goes_on_when_the_session_is_simply_gone(reception):
    Session.objects.all().delete()

    page = reception.post(REGISTER, ANA)

    assert hidden(sign_in(reception, page))["full_name"] == ANA["full_name"]


def test_it_goes_on_after_signing_out_in_another_tab(reception):
    reception.get(REGISTER)
    reception.post("/accounts/logout/")

    page = reception.post(REGISTER, ANA)

    assert hidden(sign_in(reception, page))["full_name"] == ANA["full_name"]


@pytest.mark.parametrize("path", ["/accounts/logout/", "/language/", "/accounts/login/", "/accounts/code/"])
def test_what_leads_nowhere_else_is_not_carried(reception, path):
    reception.get("/accounts/login/")
    reception.post("/accounts/logout/")

    answer = reception.post(path, {"language": "es", "next": "/accounts/login/?next=/patients/", "username": "x"})

    assert 'name="carried"' not in answer.content.decode()


def test_no_password_is_carried(reception, clock):
    clock.forward(minutes=31)

    answer = reception.post("/accounts/password/", {"old_password": PASSWORD, "new_password1": "another"})

    assert answer.status_code == 302


def test_somebody_else_does_not_get_what_was_entered(reception, clock, member):
    other = member("Front desk", "other")
    other.set_password(PASSWORD)
    other.save()
    clock.forward(minutes=31)
    page = reception.post(REGISTER, ANA)

    onward = sign_in(reception, page, "other")

    assert onward.status_code == 302 and onward["Location"] == REGISTER


@pytest.mark.parametrize("forged", ["x", "", "eyJhIjoxfQ:1tabc:xyz"])
def test_what_nobody_entered_is_not_carried(reception, clock, forged):
    clock.forward(minutes=31)
    page = reception.post(REGISTER, ANA)

    assert sign_in(reception, page, carried=forged).status_code == 302


def test_scripts_are_led_to_sign_in_and_keep_their_form_themselves(reception, clock):
    clock.forward(minutes=31)

    assert reception.post(REGISTER, ANA, headers={"X-Requested-With": "XMLHttpRequest"}).status_code == 302


def test_nobody_gets_what_somebody_entered_who_had_signed_out(reception, member):
    other = member("Front desk", "other")
    other.set_password(PASSWORD)
    other.save()
    reception.get(REGISTER)
    reception.post("/accounts/logout/")
    page = reception.post(REGISTER, ANA)
    assert not found_in(page.content)  # whoever stands before it

    assert sign_in(reception, page, "other").status_code == 302


def test_two_pages_go_on_after_one_another(reception):
    careful = Client(enforce_csrf_checks=True)
    careful.cookies = reception.cookies
    token = {"csrfmiddlewaretoken": hidden(careful.get(REGISTER))["csrfmiddlewaretoken"]}
    careful.post("/accounts/logout/", token)
    pages = [careful.post(REGISTER, ANA | token | {"full_name": name}) for name in ("Ana", "Juan")]

    assert [hidden(sign_in(careful, page))["full_name"] for page in pages] == ["Ana", "Juan"]
    assert careful.post(REGISTER, ANA | token).status_code == 403


def test_a_button_goes_on_too(reception, registered):
    url = registered().get_absolute_url() + "send-again/"
    reception.get(REGISTER)
    reception.post("/accounts/logout/")

    assert f'action="{url}"' in sign_in(reception, reception.post(url)).content.decode()


def test_who_never_was_signed_in_is_led_to_sign_in(db):
    assert Client().post(REGISTER, ANA).status_code == 302


def test_admins_forms_are_kept_too(db, clock, settings):
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    User.objects.create_superuser("admin", password=PASSWORD)
    client = Client()
    client.force_login(User.objects.get())
    client.get("/admin/")
    clock.forward(minutes=31)

    page = client.post("/admin/auth/user/add/", {"username": "new"})

    assert hidden(sign_in(client, page, "admin"))["username"] == "new"


def test_every_page_of_somebody_signed_in_warns(desk, back_office):
    for client, url in ((desk, "/patients/"), (desk, REGISTER), (back_office, "/admin/")):
        page = client.get(url).content.decode()
        assert re.search(r'<dialog id="session-end"[^>]* data-seconds="1[78]\d\d"', page)
        assert "session.js" in page and "<sign-in-again>" in page
    assert "session-end" not in Client().get("/accounts/login/").content.decode()
