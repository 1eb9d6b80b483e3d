"""The front desk in a real browser, with and without script."""

import re

import pytest
from playwright.sync_api import expect

from patients.tests import pictures
from patients.tests.browser import (
    DESKTOP,
    PHONE,
    TABLET,
    address,
    document,
    end_session,
    expect_patients,
    expect_registered,
    fill,
    register,
)


def test_registers_a_patient(page, photo, request):
    email = address(request)
    page.get_by_role("button", name="Register a new patient").click()
    name = fill(page, email, photo)
    register(page)

    expect_registered(page, name)
    expect(page.get_by_role("img", name="Photo of the identity document")).to_be_visible()
    number = page.locator("dd.number").inner_text()
    page.get_by_role("link", name="All patients").click()
    page.get_by_label("Name, email address").fill(number.lower())
    page.get_by_role("button", name="Search").click()
    expect(page.locator(".card")).to_have_count(1)
    page.get_by_role("link", name=name).click()
    expect(page.get_by_text(email)).to_be_visible()


def test_a_second_click_makes_no_second_patient(page, photo, request):
    email = address(request)
    page.goto("/patients/register/")
    name = fill(page, email, photo)
    page.get_by_role("button", name="Register", exact=True).dblclick()

    expect_registered(page, name)
    expect_patients(page, email, 1)


def test_shows_errors_beside_their_fields_and_a_summary_that_leads_there(page):
    page.goto("/patients/register/")
    page.get_by_label("Full name").fill("Ana")
    page.get_by_label("Phone number").fill("12")
    register(page)

    expect(page).to_have_title(re.compile("^Error: "))
    summary = page.get_by_role("alert").filter(has_text="There is a problem")
    expect(summary).to_contain_text("Enter an email address")
    expect(page.locator("#error-summary")).to_be_focused()
    summary.get_by_role("link", name="Enter a phone number in the correct format").click()
    expect(page.get_by_label("Phone number")).to_be_focused()
    expect(page.get_by_label("Phone number")).to_have_value("12")
    expect(page.get_by_label("Full name")).to_have_value("Ana")


def test_shows_the_photo_that_was_kept(page, photo, request):
    page.goto("/patients/register/")
    name = fill(page, "", photo)
    register(page)

    expect(page.get_by_text("Photo kept: document.jpg")).to_be_visible()
    shown = page.get_by_role("img", name="The photo as it will be sent")
    expect(shown).to_be_visible()
    assert shown.bounding_box()["width"] > 200
    page.get_by_label("Email address").fill(address(request))
    register(page)
    expect_registered(page, name)


def test_who_was_signed_out_while_typing_loses_nothing(page, photo, request, service):
    email = address(request)
    page.goto("/patients/register/")
    name = fill(page, email, photo)
    end_session(page, service)
    register(page)

    page.get_by_label("User name").fill("reception")
    page.get_by_label("Password").fill(service.accounts["reception"])
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("status").or_(page.get_by_role("button", name="Go on")).first).to_be_visible()
    if page.get_by_role("button", name="Go on").is_visible():  # without script, and the photo is to be chosen again
        page.get_by_role("button", name="Go on").click()
        expect(page.get_by_label("Email address")).to_have_value(email)
        page.get_by_label("Photo of the identity document").set_input_files(
            document(pictures.with_comment(photo, email))
        )
        register(page)
    expect_registered(page, name)
    expect_patients(page, email, 1)


def test_carries_what_was_typed_in_the_search_over_to_the_form(page):
    page.get_by_label("Name, email address").fill("Zoë Ångström")
    page.get_by_role("button", name="Register a new patient").click()

    expect(page.get_by_label("Full name")).to_have_value("Zoë Ångström")


def test_enter_in_the_search_box_searches(page):
    page.get_by_label("Name, email address").fill("nobody has this name")
    page.keyboard.press("Enter")

    expect(page.locator(".empty")).to_contain_text("Nobody found for")


@pytest.mark.parametrize("size", [PHONE, TABLET, DESKTOP], ids=["phone", "tablet", "desktop"])
def test_no_page_is_wider_than_the_screen(size, page):
    width, height = size
    page.set_viewport_size({"width": width, "height": height})
    for url in ("/patients/", "/patients/register/", "/accounts/login/", "/nowhere/"):
        page.goto(url)
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_speaks_the_language_that_staff_chose(new_page):
    page = new_page(username="admin")
    page.get_by_role("button", name="Español").click()
    expect(page.get_by_role("heading", name="Pacientes", exact=True)).to_be_visible()
    page.goto("/patients/register/")
    expect(page.get_by_label("Correo electrónico")).to_be_visible()

    page.get_by_role("button", name="English").click()
    expect(page.get_by_label("Email address")).to_be_visible()


def test_the_documentation_works_without_internet(new_page):
    page = new_page(username=None)
    page.goto("/api/docs/")
    expect(page.get_by_role("link", name="/api/v1/patients/", exact=True).first).to_be_visible(timeout=30_000)


def test_admin_works_under_the_content_security_policy(new_page, service):
    page = new_page(username=None)
    page.goto("/accounts/login/?next=/admin/")
    page.get_by_label("User name").fill("admin")
    page.get_by_label("Password").fill(service.accounts["admin"])
    page.get_by_role("button", name="Sign in").click()
    for url in ("/admin/", "/admin/patients/patient/", "/admin/patients/patient/add/", "/admin/patients/message/"):
        assert page.goto(url).status == 200
