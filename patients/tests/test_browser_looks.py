"""How the pages look: accessible in every state, by day and by night, on a phone and on a desk; light; legible."""

import json
import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from patients.tests.browser import DESKTOP, PHONE, document, end_session, fill, register
from patients.tests.service import Service

pytestmark = [pytest.mark.slow, pytest.mark.once]

FORM = "/patients/register/"
AXE = Axe().axe_script
LIGHTEST_FORM = 60_000  # bytes, with its styles and scripts

_FILL = """
import json
from datetime import timedelta
from django.core.management import call_command
from django.utils import timezone
from patients.messages import links
from patients.models import Message, Patient

call_command("make_patients", 24)
later, states = timezone.now() + timedelta(hours=9), {}
waiting = {"status": "queued", "next_attempt_at": later, "sent_at": None}
for patient, (state, message, email_state) in zip(Patient.objects.order_by("-pk"), [
    ("queued", waiting | {"attempts": 0}, "unconfirmed"),
    ("trying", waiting | {"attempts": 2, "failure": "answered 451"}, "unconfirmed"),
    ("sending", {"status": "sending", "claim_expires_at": later, "sent_at": None}, "unconfirmed"),
    ("failed", {"status": "failed", "failure": "answered 550", "sent_at": None}, "unconfirmed"),
    ("confirmed", {}, "confirmed"),
    ("disputed", {}, "disputed"),
]):
    if message:
        Message.objects.filter(patient=patient).update(**message)
    Patient.objects.filter(pk=patient.pk).update(email_state=email_state)
    link = links.address_link(patient)
    states[state] = [patient.display_number, link, patient.email, patient.full_name, patient.phone]
print(json.dumps(states))
"""


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    with Service(tmp_path_factory.mktemp("looks") / "data") as service:
        yield service


@pytest.fixture(scope="module")
def clinic(service):
    """Patients in every state of their confirmation, by that state: number, link, address, name and phone."""
    return json.loads(service.manage("shell", "-v0", "-c", _FILL))


def problems(page):
    """Return what axe-core finds in the page as it stands, by day and by night, on a phone and on a desk."""
    found = {}
    page.evaluate(AXE)
    for width, height in (PHONE, DESKTOP):
        page.set_viewport_size({"width": width, "height": height})
        for scheme, options in (("light", {}), ("dark", {"runOnly": ["color-contrast"]})):  # else the page is the same
            page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            results = page.evaluate("(options) => axe.run(options)", {"resultTypes": ["violations"]} | options)
            for violation in results["violations"]:
                found[f"{violation['id']} at {width}, {scheme}"] = [node["html"] for node in violation["nodes"]]
    return found


def test_the_empty_list_is_accessible(new_page):
    page = new_page()
    expect(page.locator(".empty")).to_contain_text("No patients yet")

    assert problems(page) == {}


def at(path, select=None):
    def go(page, clinic, photo):
        page.goto(path if select is None else path.format(clinic[select][0]))

    return go


def wrong_sign_in(page, clinic, photo):
    page.goto("/accounts/login/")
    page.get_by_label("User name").fill("nobody")
    page.get_by_role("button", name="Sign in").click()
    expect(page.locator("#error-summary")).to_be_visible()


def unfolded_list(page, clinic, photo):
    page.goto("/patients/")
    for card in page.locator("summary").all()[:3]:
        card.click()


def form_with_a_photo(page, clinic, photo):
    page.goto(FORM)
    page.get_by_label("Photo of the identity document").set_input_files(document(photo))
    expect(page.get_by_role("button", name="Rotate")).to_be_visible()


def form_with_errors(page, clinic, photo):
    form_with_a_photo(page, clinic, photo)
    page.get_by_label("Phone number").fill("12")
    register(page)
    expect(page.locator("#error-summary")).to_be_visible()
    expect(page.get_by_text("Photo kept")).to_be_visible()


def form_with_a_refused_photo(page, clinic, photo):
    page.goto(FORM)
    file = {"name": "a.pdf", "mimeType": "application/pdf", "buffer": b"%PDF-1.7"}
    page.get_by_label("Photo of the identity document").set_input_files(file)
    expect(page.get_by_text("The selected file is a PDF")).to_be_visible()


def form_for_somebody_known(page, clinic, photo):
    _, _, _, name, phone = clinic["confirmed"]
    page.goto(FORM)
    fill(page, "somebody.known@example.org", photo, name)
    page.get_by_label("Phone number").fill(phone)
    register(page)
    expect(page.locator("#error-summary")).to_be_visible()
    expect(page.get_by_label("This is a different person").first).to_be_visible()


def form_with_a_taken_address(page, clinic, photo):
    page.goto(FORM)
    fill(page, clinic["confirmed"][2], photo)
    register(page)
    expect(page.get_by_label("They share this address")).to_be_visible()


def form_without_connection(page, clinic, photo):
    page.goto(FORM)
    page.context.set_offline(True)
    register(page)
    expect(page.get_by_text("Not saved")).to_be_visible()
    page.context.set_offline(False)


def camera(page, clinic, photo):
    page.goto(FORM)
    page.get_by_role("button", name="Take a photo").click()
    expect(page.get_by_role("button", name="Take the photo")).to_be_visible()


def sign_in_again(page, clinic, photo):
    page.goto(FORM)
    end_session(page, page.service)
    register(page)
    expect(page.get_by_label("Password")).to_be_visible()


def warning_of_the_end(page, clinic, photo):
    page.goto("/patients/")
    page.evaluate("document.getElementById('session-end').showModal()")


def enlarged_photo(page, clinic, photo):
    page.goto(f"/patients/{clinic['confirmed'][0]}/")
    page.get_by_role("button", name="Enlarge").click()


def wrong_change(page, clinic, photo):
    page.goto(f"/patients/{clinic['confirmed'][0]}/change/")
    page.get_by_label("Full name").fill("")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#error-summary")).to_be_visible()


def two_records(page, clinic, photo):
    page.goto(f"/patients/{clinic['confirmed'][0]}/merge/?other={clinic['failed'][0]}")
    expect(page.get_by_text("Compare the two")).to_be_visible()


def address(page, clinic, photo):
    page.goto(clinic["sending"][1].replace("http://127.0.0.1:8000", ""))
    expect(page.get_by_role("button", name="Yes, this is me")).to_be_visible()


def answered_address(page, clinic, photo):
    address(page, clinic, photo)
    page.get_by_role("button", name="Yes, this is me").click()
    expect(page.get_by_role("heading", name="Thank you")).to_be_visible()


STATES = {
    "sign-in": at("/accounts/login/"),
    "wrong sign-in": wrong_sign_in,
    "list": at("/patients/"),
    "unfolded list": unfolded_list,
    "found": at("/patients/?search=a"),
    "found nobody": at("/patients/?search=nobody+has+this+name"),
    "form": at(FORM),
    "form with a photo": form_with_a_photo,
    "form with errors and a kept photo": form_with_errors,
    "form with a refused photo": form_with_a_refused_photo,
    "form for somebody known": form_for_somebody_known,
    "form with a taken address": form_with_a_taken_address,
    "form without connection": form_without_connection,
    "camera": camera,
    "sign-in again": sign_in_again,
    "warning of the session's end": warning_of_the_end,
    **{
        f"record, {state}": at("/patients/{}/", state)
        for state in ("queued", "trying", "sending", "failed", "confirmed", "disputed")
    },
    "enlarged photo": enlarged_photo,
    "slip": at("/patients/{}/slip/", "confirmed"),
    "change": at("/patients/{}/change/", "confirmed"),
    "wrong change": wrong_change,
    "two records of one person": two_records,
    "account": at("/accounts/"),
    "password": at("/accounts/password/"),
    "second factor": at("/accounts/second-factor/"),
    "address": address,
    "answered address": answered_address,
    "bad address": at("/address/x/"),
    "not found": at("/nowhere/"),
    "no access": at("/admin/login/"),
    "problem": at("/api/problems/invalid"),
}
ANONYMOUS = ("sign-in", "wrong sign-in", "address", "answered address", "bad address")


@pytest.mark.parametrize("state", STATES)
def test_every_page_is_accessible_in_every_state(state, clinic, new_page, service, photo):
    by = None if state in ANONYMOUS else "admin" if state == "two records of one person" else "reception"
    page = new_page(username=by)
    page.service = service
    page.expected += ["403", "ERR_INTERNET_DISCONNECTED"]
    STATES[state](page, clinic, photo)

    assert problems(page) == {}


@pytest.mark.parametrize("size", [PHONE, DESKTOP], ids=["phone", "desktop"])
@pytest.mark.parametrize(
    "state", ["unfolded list", "form for somebody known", "record, failed", "wrong change", "account"]
)
def test_what_is_touched_is_large_enough(state, size, clinic, new_page, photo):
    page = new_page(size=size)
    STATES[state](page, clinic, photo)

    # Links within a sentence may be as small as its letters (WCAG 2.2, 2.5.8).
    small = page.evaluate(
        """[...document.querySelectorAll("a, button, input, select, textarea, summary")]
            .filter((it) => it.checkVisibility() && !it.matches(".skip"))
            .filter((it) => it.tagName !== "A" || it.textContent.trim() === it.parentElement.textContent.trim())
            .map((it) => [(it.closest("label") ?? it).getBoundingClientRect().height, it.outerHTML.slice(0, 80)])
            .filter(([height]) => height < 44)"""
    )
    assert small == []


def test_the_form_is_light(new_page, clinic):
    page, answers = new_page(), []
    page.wait_for_load_state("networkidle")
    page.on("response", lambda answer: answers.append(answer))
    page.goto(FORM)
    page.wait_for_load_state("networkidle")

    weights = {answer.url: len(answer.body()) for answer in answers}
    assert {"style", "photo", "send", "camera", "session"} <= {re.split(r"[/.]", url)[-3] for url in weights}
    assert sum(weights.values()) <= LIGHTEST_FORM, weights


def test_is_dark_for_who_wants_it_dark(new_page):
    page = new_page(username=None, color_scheme="dark")
    page.goto("/accounts/login/")
    dark = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.emulate_media(color_scheme="light")

    brightness = [sum(map(int, re.findall(r"\d+", page.evaluate("getComputedStyle(document.body).backgroundColor"))))]
    assert sum(map(int, re.findall(r"\d+", dark))) < 150 < 600 < brightness[0]
