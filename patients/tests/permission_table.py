"""Reads the permission table, finds every URL, and knocks as every kind of actor."""

import functools
import re
from pathlib import Path

from django.conf import settings
from django.contrib.auth.models import Group, User
from django.test import Client as Browser
from django.urls import get_resolver

from patients.models import ApiToken, AuditEvent, Client, Message, Patient
from patients.roles import ROLES, SCOPES

TABLE = Path(__file__).with_name("permission_table.txt")
METHODS = ["GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE", "TRACE"]


def routes():
    """Return the route of every URL that the service answers, as urls.py and admin write it."""

    def walk(resolver, prefix):
        for pattern in resolver.url_patterns:
            route = prefix + str(pattern.pattern)
            if hasattr(pattern, "url_patterns"):
                yield from walk(pattern, route)
            else:
                yield route or "(home)"

    return list(dict.fromkeys(walk(get_resolver(), "")))


@functools.cache
def table():
    """Return {route: {method: [status for each actor]}} as the file has it."""
    found, route = {}, None
    for line in TABLE.read_text().splitlines():
        if line.startswith("#") or not line.strip():
            continue
        if not line.startswith(" "):
            route = line.strip()
            assert route not in found, f"{route} stands in the table twice"
            found[route] = {}
            continue
        methods, statuses = line.split(":")
        for method in methods.split():
            assert method not in found[route], f"{route} {method} stands in the table twice"
            found[route][method] = [int(status) for status in statuses.split()]
    return found


def as_written(route, cells):
    """Return what the file has for a route whose {method: [status for each actor]} is this."""
    methods = {}
    for method, statuses in cells.items():
        methods.setdefault("".join(f"  {status} " for status in statuses).rstrip(), []).append(method)
    return "\n".join([route, *(f"  {' '.join(names):<44}:{row}" for row, names in methods.items())])


class World:
    """One of everything that a URL can name, and one of every kind of actor."""

    def __init__(self, new_patient):
        self.new_patient = new_patient
        self.target = self._staff("target", "Front desk")
        self.client = Client.objects.make("target-client", ["patients:read"])
        self.actors = {"anonymous": None, "disabled": self._staff("disabled", "Administrator", is_active=False)}
        self.actors["nobody"] = self._staff("nobody")
        self.actors |= {role: self._staff(role.lower(), role, is_staff=role == "Administrator") for role in ROLES}
        self.actors["staff desk"] = self._staff("staff-desk", "Front desk", is_staff=True)
        for scope in SCOPES:
            self.actors[scope] = ApiToken.issue(Client.objects.make(scope.replace(":", "-"), [scope]))
        self._doors = {}

    def _staff(self, name, role=None, **values):
        user = User.objects.create(username=name, **values)
        user.groups.set(Group.objects.filter(name=role))
        return user

    def ask(self, actor, method, route):
        """Return the status that the actor is answered."""
        if actor not in self._doors:
            self._doors[actor] = self.door(actor)
        path, body = self.path(route), self.body(route) if method == "POST" else {}
        kind = {"content_type": "application/json"} if route.startswith("api/v1") else {}
        door, session = self._doors[actor], self._session(actor)
        if method in ("POST", "PATCH", "PUT"):
            response = getattr(door, method.lower())(path, body, **kind)
        else:
            response = door.generic(method, path)
        if response.streaming:
            list(response.streaming_content)  # which closes the file
        if self._session(actor) != session:
            del self._doors[actor]  # it was signed out
        return response.status_code

    def _session(self, actor):
        cookie = self._doors[actor].cookies.get(settings.SESSION_COOKIE_NAME)
        return cookie and cookie.value

    def door(self, actor, **options):
        who = self.actors[actor]
        if isinstance(who, str):
            return Browser(headers={"Authorization": f"Bearer {who}"}, raise_request_exception=False, **options)
        browser = Browser(raise_request_exception=False, **options)
        if who:
            browser.force_login(who)
        return browser

    def patient(self):
        """Return the patient, registered anew if one of the deeds tried erased them."""
        patient = self._patient()
        Message.objects.filter(patient=patient).update(status="sent")
        return patient

    def _patient(self, **others):
        if not (patient := Patient.objects.exclude(**others).first()):
            patient = self.new_patient()
            patient.register(by=self.target, source=Patient.Source.FORM, shared_email=True)
        return patient

    def other_patient(self):
        return self._patient(pk=self.patient().pk).display_number

    def token(self):
        if not ApiToken.objects.filter(user=self.client).exists():
            ApiToken.issue(self.client)
        return ApiToken.objects.filter(user=self.client).first()

    def path(self, route):
        objects = {
            "auth/user": lambda: self.target,
            "patients/client": lambda: self.client,
            "patients/apitoken": self.token,
            "patients/patient": self.patient,
            "patients/message": lambda: self.patient().messages.first(),
            "patients/auditevent": AuditEvent.objects.first,
        }
        noun = re.match(r"admin/([a-z]+/[a-z]+)/", route)
        values = {
            "patient_number:number": lambda: self.patient().display_number,
            "str:token": lambda: "no-token",
            "slug:slug": lambda: "invalid",
            "path:unknown": lambda: "nothing",
            "path:content_type_id": lambda: 1,
        } | dict.fromkeys(
            ["path:object_id", "int:pk", "id"], lambda: objects[noun[1]]().pk if noun and noun[1] in objects else 1
        )
        if route == "(home)":
            return "/"
        if route.startswith("admin/^"):
            return "/admin/patients/"
        if route.startswith("admin/("):
            return "/admin/nothing"
        query = f"?other={self.other_patient()}" if route.endswith("/merge/") else ""
        return "/" + re.sub(r"<([^>]+)>", lambda hole: str(values[hole[1]]()), route) + query

    def body(self, route):
        """Return what makes a deed of a POST where an empty one would be none; elsewhere what is sent is refused."""
        if route.endswith("/delete/"):
            return {"post": "yes"}
        if route.endswith("/token/"):
            return {"days": 1}
        if route.endswith("/merge/"):
            return {"keep": self.patient().display_number}
        if route.endswith("/different-person/"):
            return {"other": self.other_patient()}
        return {}
