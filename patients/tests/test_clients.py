"""Other systems of the clinic: made by an administrator, with scopes and tokens, able to do that and no more."""

import base64
import re
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.urls import reverse
from django.utils import timezone

from patients import numbers
from patients.models import ApiToken, Client, Patient
from patients.tests.conftest import ANA, ApiClient

PATIENTS = reverse("api:patients")


@pytest.fixture
def client_with(db):
    """Return an API client with these scopes."""

    def make(*scopes):
        token = ApiToken.issue(Client.objects.make("laboratory", scopes))
        return ApiClient(headers={"Authorization": f"Bearer {token}"})

    return make


@pytest.fixture
def statuses(registered, ana):
    """Return what a client is answered: to registering, listing, reading, correcting, the photo, the messages."""
    one = f"{PATIENTS}{registered(email='juan@example.org').display_number}/"

    return lambda client: [
        client.post_json(PATIENTS, ana).status_code,
        client.get(PATIENTS).status_code,
        client.get(one).status_code,
        client.patch_json(one, {"phone": "+1 202 555 0123"}).status_code,
        client.get(f"{one}document-photo/").status_code,
        client.get(f"{one}messages/").status_code,
    ]


@pytest.mark.parametrize(
    ("scopes", "expected"),
    [
        ([], [403, 403, 403, 403, 404, 403]),
        (["patients:register"], [201, 403, 403, 403, 404, 403]),
        (["patients:read"], [403, 200, 200, 403, 200, 200]),
        (["patients:change"], [403, 200, 200, 200, 404, 403]),
        (["patients:register", "patients:read", "patients:change"], [201, 200, 200, 200, 200, 200]),
    ],
)
def test_may_do_what_its_scopes_say(client_with, statuses, scopes, expected):
    assert statuses(client_with(*scopes)) == expected


def test_a_client_that_only_registers_learns_nothing_of_others(client_with, registered, ana):
    patient = registered()

    problem = client_with("patients:register").post_json(PATIENTS, ana | {"full_name": "Somebody Else"})

    assert problem.status_code == 409
    assert not any(str(value) in problem.content.decode() for value in (patient.full_name, patient.display_number))


@pytest.mark.parametrize("call", ["", "messages/", "document-photo/"])
def test_a_client_that_only_registers_is_not_told_which_numbers_there_are(client_with, registered, call):
    caller, free = client_with("patients:register"), numbers.display(numbers.new())

    there, not_there = (caller.get(f"{PATIENTS}{each}/{call}") for each in (registered().display_number, free))

    assert (there.status_code, there.content) == (not_there.status_code, not_there.content)


def test_nobody_signs_in_as_a_client(client_with, client):
    client_with("patients:read")

    response = client.post("/accounts/login/", {"username": "laboratory", "password": ""})

    assert response.status_code == 200 and "_auth_user_id" not in client.session


def test_an_administrator_makes_one_and_gives_it_a_token_that_is_shown_once(back_office, photo):
    added = back_office.post(
        reverse("admin:patients_client_add"),
        {"username": "laboratory", "scopes": ["patients:register"], "is_active": "on"},
    )
    laboratory = Client.objects.get()
    assert added.status_code == 302 and laboratory.scopes == ["patients:register"]
    assert not laboratory.has_usable_password()

    page = back_office.post(reverse("admin:patients_client_token", args=[laboratory.pk]), {"days": "30"})
    token = re.search(r'id="token">(\w+)<', page.content.decode())[1]
    assert "no-store" in page["Cache-Control"]
    change = reverse("admin:patients_client_change", args=[laboratory.pk])
    assert token not in back_office.get(change).content.decode()
    assert 29 <= (ApiToken.objects.get().expiry - timezone.now()).days <= 30

    caller = ApiClient(headers={"Authorization": f"Bearer {token}"})
    body = ANA | {"document_photo": base64.b64encode(photo).decode()}
    assert caller.post_json(PATIENTS, body).status_code == 201
    assert Patient.objects.get().registered_by.username == "laboratory"
    assert "–" not in back_office.get(reverse("admin:patients_apitoken_changelist")).content.decode().split("tbody")[1]


def test_an_administrator_takes_scopes_and_tokens_away(back_office, client_with):
    caller = client_with("patients:read")
    url = reverse("admin:patients_client_change", args=[Client.objects.get().pk])
    hidden = re.findall(r'name="(auth_token_set-[^"]+)" value="([^"]*)"', back_office.get(url).content.decode())
    form = {"username": "laboratory", "is_active": "on", **dict(hidden)}

    assert "This field is required" in back_office.post(url, form).content.decode()
    back_office.post(url, form | {"scopes": "patients:register"})
    assert caller.get(PATIENTS).status_code == 403
    back_office.post(url, form | {"scopes": "patients:register", "auth_token_set-0-DELETE": "on"})
    assert caller.get(PATIENTS).status_code == 401 and not ApiToken.objects.exists()


def test_a_client_that_is_switched_off_is_out(client_with):
    caller = client_with("patients:read")
    Client.objects.update(is_active=False)

    assert caller.get(PATIENTS).status_code == 401


def test_shows_when_a_token_was_last_used_to_the_minute(client_with):
    caller = client_with("patients:read")
    assert ApiToken.objects.get().last_used_at is None

    caller.get(PATIENTS)
    first = ApiToken.objects.get().last_used_at
    caller.get(PATIENTS)
    assert timezone.now() - first < timedelta(minutes=1) and ApiToken.objects.get().last_used_at == first

    ApiToken.objects.update(last_used_at=first - timedelta(minutes=2))
    caller.get(PATIENTS)
    assert ApiToken.objects.get().last_used_at >= first


def test_who_may_not_make_tokens_gets_no_page_for_it(client, member):
    reader = member("Reader")
    reader.is_staff = True
    reader.save()
    client.force_login(reader)
    laboratory = Client.objects.make("laboratory", [])

    assert client.post(reverse("admin:patients_client_token", args=[laboratory.pk]), {"days": 1}).status_code == 403
    assert client.get(reverse("admin:patients_client_changelist")).status_code == 403
    assert not ApiToken.objects.exists()


def test_commands_make_a_client_a_token_and_take_the_tokens_back(db, capsys):
    call_command("create_api_client", "laboratory", "patients:read")
    call_command("create_api_token", "laboratory")
    caller = ApiClient(headers={"Authorization": f"Bearer {capsys.readouterr().out.strip()}"})
    assert caller.get(PATIENTS).status_code == 200

    call_command("revoke_api_tokens", "laboratory")
    assert caller.get(PATIENTS).status_code == 401
    for command, sentence in (
        (["create_api_client", "laboratory", "patients:read"], "There is a user laboratory already"),
        (["create_api_client", "a b", "patients:read"], "valid username"),
        (["create_api_client", "other", "patients:all"], "invalid choice"),
        (["revoke_api_tokens", "laboratory"], "has no token"),
    ):
        with pytest.raises(CommandError, match=sentence):
            call_command(*command)
