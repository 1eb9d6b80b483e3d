"""A second factor: codes of an app and recovery codes, for who wants one and for who must have one."""

import re
import time

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django_otp.oath import TOTP
from django_otp.plugins.otp_static.models import StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice

from patients.models import AuditEvent
from registration import second_factor

LOGIN, CODE, PAGE = "/accounts/login/", "/accounts/code/", "/accounts/second-factor/"
PASSWORD = "a long enough password"


@pytest.fixture(autouse=True)
def hashers(settings):
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def ana(member):
    user = member("Front desk", "ana")
    user.set_password(PASSWORD)
    user.save()
    return user


class App:
    """The app on somebody's phone; each code that it shows is a new one."""

    def __init__(self, key):
        self.totp, self.ahead = TOTP(bytes.fromhex(key)), -1

    def code(self):
        self.ahead += 1
        self.totp.time = time.time() + 30 * self.ahead
        return f"{self.totp.token():06}"


def sign_in(user, password=PASSWORD, **more):
    client = Client()
    return client, client.post(LOGIN, {"username": user.get_username(), "password": password} | more)


def set_up(client, user):
    """Set a second factor up as somebody does, and return their app and the recovery codes."""
    client.get(PAGE)
    app = App(TOTPDevice.objects.get(user=user, confirmed=False).key)
    page = client.post(PAGE, {"code": app.code(), "old_password": PASSWORD}).content.decode()
    return app, re.findall(r"(?:[A-Z2-7]{4}-){5}[A-Z2-7]{4}", page)


@pytest.fixture
def protected(ana):
    """Ana with a second factor: (client, app, recovery codes)."""
    client, _ = sign_in(ana)
    app, codes = set_up(client, ana)
    TOTPDevice.objects.update(last_t=-1)  # so that the tests needn't wait for the next code
    return client, app, codes


def test_is_nobodys_until_they_set_it_up(ana):
    client, response = sign_in(ana)

    assert response["Location"] == "/patients/" and client.get("/patients/").status_code == 200
    page = client.get(PAGE).content.decode()
    assert 'src="data:image/svg+xml' in page and TOTPDevice.objects.get().key not in page


def test_signing_in_asks_for_a_code_then(ana, protected):
    _, app, codes = protected
    client, response = sign_in(ana, next="/patients/register/")

    assert response.status_code == 200 and "Enter the code" in response.content.decode()
    assert len(codes) == len(set(codes)) == 10
    assert client.get("/patients/").status_code == 302
    key = client.session.session_key
    code = app.code()
    wrong = str((int(code) + 1) % 1_000_000)
    response = client.post(CODE, {"code": wrong, "next": "/patients/register/"})
    assert str(second_factor.CODE_WRONG) in response.content.decode() and client.get("/patients/").status_code == 302

    TOTPDevice.objects.update(throttling_failure_count=0)
    response = client.post(CODE, {"code": f" {code[:3]} {code[3:]}", "next": "/patients/register/"})
    assert response["Location"] == "/patients/register/" and client.get("/patients/").status_code == 200
    assert client.session.session_key != key


def test_the_password_alone_lets_nobody_in_anywhere(ana, protected):
    ana.is_staff = ana.is_superuser = True
    ana.save()
    client, _ = sign_in(ana, next="/admin/")

    for url in ("/patients/", "/admin/", "/accounts/", PAGE):
        assert client.get(url).status_code == 302


def test_a_code_is_good_once(ana, protected):
    _, app, _ = protected
    code = app.code()

    assert sign_in(ana)[0].post(CODE, {"code": code}).status_code == 302
    assert sign_in(ana)[0].post(CODE, {"code": code}).status_code == 200


def test_a_recovery_code_lets_in_once_in_any_spelling_and_is_not_stored(ana, protected):
    _, _, codes = protected
    stored = str(list(StaticToken.objects.values_list("token", flat=True)))
    assert all(code.replace("-", "")[:8] not in stored for code in codes)

    assert sign_in(ana)[0].post(CODE, {"code": codes[0].lower().replace("-", " ")}).status_code == 302
    assert sign_in(ana)[0].post(CODE, {"code": codes[0]}).status_code == 200
    assert StaticToken.objects.count() == 9


def test_codes_cannot_be_guessed_by_trying(ana, protected, settings):
    _, app, _ = protected
    client, _ = sign_in(ana)
    for _ in range(settings.SIGN_IN_TRIES):
        TOTPDevice.objects.update(throttling_failure_count=0)
        assert client.post(CODE, {"code": "000000"}).status_code == 200
    TOTPDevice.objects.update(throttling_failure_count=0)

    assert client.post(CODE, {"code": app.code()}).status_code == 200  # held off like who guesses passwords


def test_the_code_must_follow_the_password_soon_and_its_page_is_nothing_without(ana, protected, monkeypatch):
    _, app, _ = protected
    assert Client().get(CODE).status_code == Client().post(CODE, {"code": app.code()}).status_code == 302

    client, _ = sign_in(ana)
    monkeypatch.setattr(second_factor, "AWAITED_SECONDS", -1)

    assert client.post(CODE, {"code": app.code()})["Location"] == LOGIN
    assert client.get("/patients/").status_code == 302


def test_who_is_deactivated_between_password_and_code_stays_out(ana, protected):
    _, app, _ = protected
    client, _ = sign_in(ana)
    User.objects.update(is_active=False)

    assert client.post(CODE, {"code": app.code()})["Location"] == LOGIN


def test_setting_it_up_needs_the_password_and_a_right_code(ana):
    client, _ = sign_in(ana)
    client.get(PAGE)
    app = App(TOTPDevice.objects.get().key)

    for entered in ({"code": app.code(), "old_password": "x"}, {"code": "000000", "old_password": PASSWORD}, {}):
        assert client.post(PAGE, entered).status_code == 422
    assert not TOTPDevice.objects.filter(confirmed=True).exists()


def test_two_pages_at_once_set_up_one(ana):
    for _page in range(2):
        TOTPDevice.objects.create(user=ana, confirmed=False)

    device = second_factor.new_device(ana)
    second_factor.confirm(device, by=ana)

    assert TOTPDevice.objects.get() == device and device.confirmed


def test_setting_it_up_ends_the_other_sessions(ana):
    elsewhere, _ = sign_in(ana)
    client, _ = sign_in(ana)
    set_up(client, ana)

    assert client.get("/patients/").status_code == 200
    assert elsewhere.get("/patients/").status_code == 302


def test_it_can_be_turned_off_and_the_codes_renewed_with_the_password(ana, protected):
    client, _, codes = protected
    assert client.post(PAGE, {"wanted": "remove", "old_password": "x"}).status_code == 422

    page = client.post(PAGE, {"wanted": "codes", "old_password": PASSWORD}).content.decode()
    assert codes[0] not in page and len(re.findall(r"(?:[A-Z2-7]{4}-){5}[A-Z2-7]{4}", page)) == 10
    assert AuditEvent.objects.first().detail == f"{ana}: recovery codes"
    client.post(PAGE, {"wanted": "remove", "old_password": PASSWORD})

    assert sign_in(ana)[1].status_code == 302
    assert client.get("/patients/").status_code == 200


def test_whose_password_is_changed_between_password_and_code_starts_again(ana, protected):
    _, app, _ = protected
    client, _ = sign_in(ana)
    ana.set_password("another long enough password")
    ana.save()

    assert client.post(CODE, {"code": app.code()})["Location"] == LOGIN


@pytest.mark.parametrize(
    ("setting", "reception_may", "administrator_may"),
    [("optional", True, True), ("administrators", True, False), ("everybody", False, False)],
)
def test_a_setting_demands_it(setting, reception_may, administrator_may, ana, member, settings):
    settings.SECOND_FACTOR = setting
    superuser = User.objects.create_superuser("boss", password=PASSWORD)
    administrator = member("Administrator", "merger")
    administrator.set_password(PASSWORD)
    administrator.save()

    for user, may, url in (
        (ana, reception_may, "/patients/"),
        (superuser, administrator_may, "/patients/"),
        (administrator, administrator_may, "/patients/"),
    ):
        client, _ = sign_in(user)
        answer = client.get(url)
        assert answer.status_code == (200 if may else 302)
        if not may:
            assert answer["Location"] == PAGE and client.post(f"{url}register/").status_code == 302
            set_up(client, user)
            assert client.get(url).status_code == 200
            page = client.post(PAGE, {"wanted": "remove", "old_password": PASSWORD})
            assert "Turn it off" not in page.content.decode()
            assert client.get(url).status_code == 200 and TOTPDevice.objects.filter(user=user, confirmed=True).exists()


def test_an_administrator_helps_who_lost_everything(ana, protected, back_office):
    back_office.post(
        "/admin/auth/user/", {"action": "remove_second_factor", "_selected_action": [ana.pk]}, follow=True
    )

    assert sign_in(ana)[1].status_code == 302
    assert not TOTPDevice.objects.exists() and not StaticToken.objects.exists()


def test_nobody_is_shown_a_key_in_admin(back_office, protected):
    assert "otp_totp" not in back_office.get("/admin/", follow=True).content.decode().lower()
    assert back_office.get("/admin/otp_totp/totpdevice/").status_code == 404
