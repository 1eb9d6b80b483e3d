"""An administrator manages staff, clients and tokens, and rises no higher."""

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.test import Client as Browser
from django.urls import reverse

from patients.models import ApiToken, AuditEvent, Client

STAFF = reverse("admin:auth_user_changelist")


def account(user, *deed):
    return reverse(f"admin:auth_user_{'_'.join(deed) or 'change'}", args=[user.pk])


@pytest.fixture
def administrator(member):
    user = member("Administrator")
    user.is_staff = True
    user.save()
    return user


@pytest.fixture
def office(administrator):
    """A browser in which an administrator is signed in, who is no superuser."""
    browser = Browser()
    browser.force_login(administrator)
    return browser


def rights(user, **changed):
    """What the form of an account sends."""
    roles = [group.pk for group in user.groups.all()]
    return {"username": user.username, "is_active": "on", "groups": roles, **changed}


def test_hires_gives_roles_sets_passwords_and_deactivates(office, db):
    password = {"password1": "a long pass phrase", "password2": "a long pass phrase"}
    added = office.post(reverse("admin:auth_user_add"), {"username": "rosa", "usable_password": "true", **password})
    rosa = User.objects.get(username="rosa")
    assert added.status_code == 302 and rosa.check_password("a long pass phrase")

    role = Group.objects.get(name="Front desk")
    assert office.post(account(rosa), rights(rosa, groups=[role.pk])).status_code == 302
    assert User.objects.get(pk=rosa.pk).has_perm("patients.add_patient")
    url = reverse("admin:auth_user_password_change", args=[rosa.pk])
    assert (
        office.post(url, {"usable_password": "true", "password1": "b" * 14, "password2": "b" * 14}).status_code == 302
    )
    rosa.refresh_from_db()
    assert rosa.check_password("b" * 14)
    assert office.post(account(rosa), {"username": "rosa", "groups": [role.pk]}).status_code == 302
    rosa.refresh_from_db()
    assert not rosa.is_active

    events = AuditEvent.objects.filter(action="account_changed").order_by("pk")
    assert [event.detail for event in events] == ["rosa: added", "rosa: Groups", "rosa: password", "rosa: Active"]
    assert {event.actor.username for event in events} == {"administrator"}


def test_does_not_become_a_superuser_nor_take_a_right_of_its_own(office, administrator):
    power = Group.objects.create(name="Power")
    power.permissions.set(Permission.objects.all())
    page = office.get(account(administrator)).content.decode()
    assert "is_superuser" not in page and "user_permissions" not in page and "Power" not in page

    permission = Permission.objects.get(codename="delete_session")
    extra = {"is_staff": "on", "is_superuser": "on", "user_permissions": [permission.pk]}
    office.post(account(administrator), rights(administrator, **extra))
    refused = office.post(account(administrator), rights(administrator, is_staff="on", groups=[power.pk]))

    assert refused.status_code == 200 and "Select a valid choice" in refused.content.decode()
    administrator.refresh_from_db()
    assert not administrator.is_superuser and not administrator.user_permissions.exists()
    assert [group.name for group in administrator.groups.all()] == ["Administrator"]


def test_makes_no_superuser_of_somebody_new(office):
    password = {"password1": "a long pass phrase", "password2": "a long pass phrase"}
    everything = {"is_superuser": "on", "is_staff": "on", "groups": [1]}

    office.post(
        reverse("admin:auth_user_add"), {"username": "rosa", "usable_password": "true"} | password | everything
    )

    rosa = User.objects.get(username="rosa")
    assert not rosa.is_superuser and not rosa.is_staff and not rosa.groups.exists()


def test_leaves_superusers_alone(office):
    chief = User.objects.create_superuser("chief", password="the chief's own")

    assert office.get(account(chief)).status_code == 200  # to read
    assert office.post(account(chief), rights(chief, username="chief2")).status_code == 403
    url = reverse("admin:auth_user_password_change", args=[chief.pk])
    assert office.post(url, {"password1": "b" * 14, "password2": "b" * 14}).status_code == 403
    assert office.post(account(chief, "delete"), {"post": "yes"}).status_code == 403
    chief.refresh_from_db()
    assert chief.username == "chief" and chief.is_active and chief.check_password("the chief's own")


def test_a_superuser_makes_another(back_office, administrator):
    rights_of_all = rights(administrator, is_staff="on", is_superuser="on")

    assert back_office.post(account(administrator), rights_of_all).status_code == 302

    administrator.refresh_from_db()
    assert administrator.is_superuser


def test_nobody_is_deleted(back_office, administrator):
    assert back_office.post(account(administrator, "delete"), {"post": "yes"}).status_code == 403
    back_office.post(STAFF, {"action": "delete_selected", "_selected_action": [administrator.pk], "post": "yes"})

    assert User.objects.filter(pk=administrator.pk).exists()


def test_makes_clients_and_tokens_and_takes_them_back(office, administrator):
    added = office.post(
        reverse("admin:patients_client_add"),
        {"username": "laboratory", "scopes": ["patients:read"], "is_active": "on"},
    )
    client = Client.objects.get()
    assert added.status_code == 302 and client.scopes == ["patients:read"]

    assert office.post(reverse("admin:patients_client_token", args=[client.pk]), {"days": 30}).status_code == 200
    token = ApiToken.objects.get()
    assert office.post(reverse("admin:patients_apitoken_delete", args=[token.pk]), {"post": "yes"}).status_code == 302

    assert not ApiToken.objects.exists()
    name = f"token {token.token_key[:8]} of laboratory"
    assert [(event.action, event.actor, event.detail) for event in AuditEvent.objects.order_by("pk")][1:] == [
        ("account_changed", administrator, "laboratory: added"),
        ("token_made", administrator, name),
        ("token_revoked", administrator, name),
    ]


def test_clients_are_not_among_the_staff(office):
    client = Client.objects.make("laboratory", ["patients:read"])

    assert "laboratory" not in office.get(STAFF).content.decode()
    assert office.get(account(client)).status_code == 302  # there is none of that key
    assert reverse("admin:index") == office.get(account(client))["Location"]


@pytest.mark.parametrize("role", ["Reader", "Front desk"])
def test_other_roles_manage_nobody(role, member):
    user = member(role)
    user.is_staff = True
    user.save()
    browser = Browser()
    browser.force_login(user)

    for name in ("auth_user", "patients_client", "patients_apitoken", "patients_auditevent"):
        assert browser.get(reverse(f"admin:{name}_changelist")).status_code == 403
