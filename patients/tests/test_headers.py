"""What browsers are told to refuse, on every page."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.test import Client

from patients.tests.pages import Page, every_url
from patients.tests.service import ROOT


@pytest.fixture
def visits(registered, desk, back_office):
    """Every address, visited by everybody: (response, where) each."""
    patient = registered()
    clients = {"nobody": Client(), "reception": desk, "administrator": back_office}
    for client in clients.values():
        client.raise_request_exception = False
    return [
        (client.get(url), f"{who} {url}")
        for who, client in clients.items()
        for url in [*every_url(patient), "/static/style.css", "/static/nowhere", "/livez", "/nowhere/"]
        if "logout" not in url
    ]


def test_every_answer_carries_the_security_headers(visits):
    assert len(visits) > 150
    for response, where in visits:
        headers = response.headers
        assert response.status_code < 500, where
        policy = dict(part.split(" ", 1) for part in headers["Content-Security-Policy"].split("; ") if " " in part)
        assert "unsafe" not in headers["Content-Security-Policy"] and policy["default-src"] in ("'self'", "'none'")
        assert policy.get("frame-ancestors", "'none'") == "'none'" and "*" not in headers["Content-Security-Policy"]
        assert headers["X-Content-Type-Options"] == "nosniff", where
        assert headers["Cross-Origin-Resource-Policy"] == "same-origin", where
        assert headers["Permissions-Policy"].startswith("camera=(self), "), where
        if "/static/" not in where:
            assert headers["X-Frame-Options"] == "DENY", where
            assert headers["Referrer-Policy"] == "same-origin", where
            assert headers["Cross-Origin-Opener-Policy"] == "same-origin", where


def test_nothing_on_a_page_is_in_line_where_the_policy_would_stop_it(visits):
    pages = [(Page(answer), where) for answer, where in visits if "html" in answer.headers.get("Content-Type", "")]

    assert len(pages) > 50
    assert [(page.inline, where) for page, where in pages if page.inline] == []


def test_no_cache_keeps_a_page(visits):
    for response, where in visits:
        assert "no-store" in response.headers["Cache-Control"] or "/static/" in where, where


@pytest.mark.parametrize("url", ["/patients/", "/api/v1/patients/"])
def test_refusals_before_any_view_carry_them_too(url):
    response = Client(headers={"host": "evil.example"}).get(url)

    assert response.status_code == 400
    assert "default-src 'self'" in response["Content-Security-Policy"]
    assert response["X-Content-Type-Options"] == "nosniff"


def test_an_unknown_host_gets_our_page():
    response = Client(headers={"host": "evil.example"}).get("/patients/")

    assert response.status_code == 400
    assert "The request could not be understood" in response.content.decode()


_ASK = """
import json
from django.conf import settings
settings.ALLOWED_HOSTS = ["clinic.example"]
from django.test import Client
client = Client(headers={"host": "clinic.example"})
plain = client.get("/accounts/login/")
over_tls = client.get("/accounts/login/", headers={"x-forwarded-proto": "https"})
print(json.dumps({
    "plain": [plain.status_code, plain["Location"]],
    "health": [client.get("/livez").status_code, client.get("/readyz").status_code],
    "headers": dict(over_tls.headers),
    "cookies": [cookie.OutputString() for cookie in over_tls.cookies.values()],
    "names": [settings.SESSION_COOKIE_NAME, settings.SESSION_COOKIE_SECURE, settings.SESSION_COOKIE_HTTPONLY,
              settings.SESSION_COOKIE_SAMESITE],
}))
"""


@pytest.mark.slow
@pytest.mark.once
def test_with_tls_everything_is_over_tls(tmp_path):
    environ = {"PATH": os.environ["PATH"], "DATA_DIR": str(tmp_path), "SITE_URL": "https://clinic.example"}
    for command in (["check", "--deploy", "--fail-level", "WARNING"], ["collectstatic", "-v0", "--noinput"]):
        subprocess.run([sys.executable, "manage.py", *command], cwd=ROOT, env=environ, check=True, timeout=60)
    asked = subprocess.run(
        [sys.executable, "manage.py", "shell", "-v0", "-c", _ASK],
        cwd=ROOT,
        env=environ,
        capture_output=True,
        text=True,
    )
    told = json.loads(asked.stdout)

    assert told["plain"] == [301, "https://clinic.example/accounts/login/"]
    assert told["health"] == [200, 503]  # which load balancers ask in the clear; there is no database here
    assert told["headers"]["Strict-Transport-Security"] == "max-age=31536000"
    (cookie,) = told["cookies"]
    assert cookie.startswith("__Host-csrftoken=")
    for attribute in ("Path=/", "Secure", "HttpOnly", "SameSite=Strict"):
        assert attribute in cookie
    assert "Domain" not in cookie
    assert told["names"] == ["__Host-sessionid", True, True, "Lax"]


def test_the_proxys_own_pages_carry_them_too():
    text = Path(ROOT / "nginx.conf").read_text()
    for kind in ("program", "person"):
        block = text.split(f"location = /refused/{kind} {{")[1].split("return")[0]
        for name in (
            "Content-Security-Policy \"default-src 'none'; frame-ancestors 'none'\"",
            "X-Content-Type-Options nosniff",
            "Referrer-Policy same-origin",
            "Cross-Origin-Resource-Policy same-origin",
            "Permissions-Policy",
        ):
            assert f"add_header {name}" in block


@pytest.mark.parametrize(
    "url", ["/accounts/login/", "/accounts/logout/", "/patients/register/", "/admin/auth/user/add/"]
)
def test_a_form_of_another_site_is_refused(url, receptionist):
    client = Client(enforce_csrf_checks=True)
    client.force_login(receptionist)

    response = client.post(url, {"username": "x"}, headers={"origin": "https://evil.example"})

    assert response.status_code == 403
    assert "This page is out of date" in response.content.decode()
