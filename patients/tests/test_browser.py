"""The front desk in a real browser."""

import random
import re

import pytest
from playwright.sync_api import expect, sync_playwright

from patients import made_up
from patients.tests import pictures
from patients.tests.service import Service

newcomers = made_up.people(random.Random(5), 1)  # noqa: S311
SIZES = {"phone": (390, 844), "desktop": (1280, 800)}


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    with Service(tmp_path_factory.mktemp("browser") / "data") as service:
        yield service


@pytest.fixture(scope="module")
def chromium():
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path="/usr/bin/chromium",
            args=["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking"],
        )
        yield browser
        browser.close()


@pytest.fixture(params=[True, False], ids=["script", "no script"])
def page(request, chromium, service):
    """A page in which reception is signed in; nothing on it may fail or come from elsewhere."""
    context = chromium.new_context(base_url=service.url, java_script_enabled=request.param)
    page = context.new_page()
    page.set_default_timeout(10_000)
    complaints = []
    page.on("console", lambda message: message.type == "error" and complaints.append(message.text))
    page.on("request", lambda sent: sent.url.startswith((service.url, "blob:")) or complaints.append(sent.url))
    sign_in(page, service)
    yield page
    context.close()
    assert [text for text in complaints if "422" not in text and "404" not in text] == []


def sign_in(page, service, username="reception"):
    page.goto("/")
    page.get_by_label("User name").fill(username)
    page.get_by_label("Password").fill(service.accounts[username])
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Patients", exact=True)).to_be_visible()


def fill(page, photo, **values):
    """Fill the form in for somebody who resembles nobody registered before; return what was typed, by label."""
    person = next(newcomers)
    typed = {"Full name": person["full_name"], "Phone number": person["phone"]} | values
    for label, value in typed.items():
        page.get_by_label(label).fill(value)
    page.get_by_label("Photo of the identity document").set_input_files(
        {"name": "document.jpg", "mimeType": "image/jpeg", "buffer": pictures.with_comment(photo, person["email"])}
    )
    return typed


def test_registers_a_patient(page, photo, request):
    address = f"{re.sub('[^a-z]', '', request.node.name)}@example.org"
    page.get_by_role("button", name="Register a new patient").click()
    name = fill(page, photo, **{"Email address": address})["Full name"]
    page.get_by_role("button", name="Register").click()

    expect(page.get_by_role("status")).to_contain_text(f"{name} has patient number")
    expect(page.get_by_role("img", name="Photo of the identity document")).to_be_visible()
    number = page.locator("dd.number").inner_text()
    page.get_by_role("link", name="All patients").click()
    page.get_by_label("Name, email address").fill(number.lower())
    page.get_by_role("button", name="Search").click()
    expect(page.get_by_role("listitem")).to_have_count(1)
    page.get_by_role("link", name=name).click()
    expect(page.get_by_text(address)).to_be_visible()


def test_shows_errors_beside_their_fields_and_a_summary_that_leads_there(page):
    page.goto("/patients/register/")
    page.get_by_label("Full name").fill("Ana")
    page.get_by_label("Phone number").fill("12")
    page.get_by_role("button", name="Register").click()

    expect(page).to_have_title(re.compile("^Error: "))
    summary = page.get_by_role("alert")
    expect(summary).to_contain_text("There is a problem")
    expect(page.locator("#error-summary")).to_be_focused()
    summary.get_by_role("link", name="Enter a phone number in the correct format").click()
    expect(page.get_by_label("Phone number")).to_be_focused()
    expect(page.get_by_label("Phone number")).to_have_value("12")
    expect(page.get_by_label("Full name")).to_have_value("Ana")


@pytest.mark.parametrize("size", SIZES)
def test_no_page_is_wider_than_the_screen(size, page, photo):
    width, height = SIZES[size]
    page.set_viewport_size({"width": width, "height": height})
    for url in ("/patients/", "/patients/register/", "/accounts/login/", "/nowhere/"):
        page.goto(url)
        assert page.locator("html").bounding_box()["width"] <= width
        box = page.locator("body").bounding_box()
        assert box["width"] <= width


def test_the_documentation_works_without_internet(chromium, service):
    context = chromium.new_context(base_url=service.url)
    page = context.new_page()
    page.goto("/api/docs/")
    expect(page.get_by_text("Register a patient")).to_be_visible(timeout=15_000)
    context.close()


def test_admin_works_under_the_content_security_policy(chromium, service):
    context = chromium.new_context(base_url=service.url)
    page = context.new_page()
    errors = []
    page.on("console", lambda message: message.type == "error" and errors.append(message.text))
    page.goto("/accounts/login/?next=/admin/")
    page.get_by_label("User name").fill("admin")
    page.get_by_label("Password").fill(service.accounts["admin"])
    page.get_by_role("button", name="Sign in").click()
    for url in ("/admin/", "/admin/patients/patient/", "/admin/patients/patient/add/", "/admin/patients/message/"):
        assert page.goto(url).status == 200
    context.close()
    assert errors == []
