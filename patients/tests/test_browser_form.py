"""Sending the form with scripts: nothing that was entered is lost on the way out."""

import re

import pytest
from playwright.sync_api import expect

from patients.tests import pictures
from patients.tests.browser import (
    address,
    document,
    end_session,
    expect_patients,
    expect_registered,
    fill,
    newcomers,
    preview,
    register,
    sign_in,
)

PHOTO = "Photo of the identity document"


def test_a_lost_connection_costs_nothing(form, photo, request):
    form.expected += ["ERR_INTERNET_DISCONNECTED"]
    email = address(request)
    name = fill(form, email, photo)
    form.context.set_offline(True)
    register(form)

    expect(form.get_by_text("Not saved. Check the connection and try again")).to_be_visible()
    expect(form.get_by_label("Email address")).to_have_value(email)
    expect(preview(form)).to_be_visible()
    form.context.set_offline(False)
    register(form)
    expect_registered(form, name)


def test_takes_no_letter_that_would_be_lost_with_the_answer(form, photo, request):
    form.expected += ["ERR_FAILED"]
    held = []
    form.route("**/patients/register/", lambda route: held.append(route), times=1)  # noqa: PLW0108 — playwright marks it
    name = fill(form, address(request), photo)
    button, email = form.get_by_role("button", name="Register", exact=True), form.get_by_label("Email address")
    button.click()

    expect(form.locator("form[data-send] > [inert]").first).to_be_attached()
    before = email.input_value()
    email.press("x")
    assert email.input_value() == before and form.locator("form[data-send] > [data-lost]:not([inert])").count()
    held[0].abort()
    expect(button).to_be_focused()
    email.press("x")
    assert email.input_value() != before
    email.fill(before)
    button.click()
    expect_registered(form, name)


def test_half_a_date_is_refused_and_kept(page, photo, request):
    page.goto("/patients/register/")
    name = fill(page, address(request), photo)
    born = page.get_by_label("Date of birth")
    born.press_sequentially("02311990")
    page.get_by_label("Full name").fill("")
    page.get_by_role("button", name="Register", exact=True).click()
    if "no script" not in request.node.name:  # where the browser itself refuses it
        summary = page.locator("#error-summary")
        expect(summary.get_by_role("link")).to_have_text(
            ["Enter the patient's full name", "Date of birth must be a real date"]
        )
        expect(born).to_have_attribute("aria-invalid", "true")
    expect(page).to_have_url(re.compile("/patients/register/$"))
    assert born.evaluate("input => input.validity.badInput")

    page.get_by_label("Full name").fill(name)
    born.fill("1990-02-03")
    register(page)
    expect_registered(page, name)
    expect(page.get_by_text("Feb. 3, 1990")).to_be_visible()


def test_asks_before_what_was_entered_is_left(form):
    asked = []
    form.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.dismiss()))
    form.get_by_label("Full name").fill("Ana")
    form.get_by_role("button", name="Español").click()
    form.get_by_role("link", name="Patients").click()

    expect(form.get_by_label("Full name")).to_have_value("Ana")
    assert asked == ["beforeunload"] * 2


def test_an_answer_that_is_lost_makes_no_second_patient(form, photo, request):
    form.expected += ["ERR_FAILED"]
    email = address(request)
    name = fill(form, email, photo)

    def lose_the_answer(route):
        assert route.fetch(max_redirects=0).status == 201
        route.abort()

    form.route("**/patients/register/", lose_the_answer, times=1)
    register(form)
    expect(form.get_by_text("Not saved. Check the connection and try again")).to_be_visible()
    register(form)

    expect_registered(form, name)
    expect_patients(form, email, 1)


@pytest.mark.parametrize(
    ("status", "sentence"),
    [(503, "The service is starting or busy. Try again in a moment."), (413, "The selected file is too large.")],
)
def test_an_answer_that_is_no_form_is_told_and_costs_nothing(status, sentence, form, photo, request):
    form.expected += [str(status)]
    title, _, advice = sentence.partition(". ")
    page = f"<main><h1>{title}</h1><p>{advice}</p></main>"
    form.route("**/patients/register/", lambda route: route.fulfill(status=status, body=page), times=1)
    name = fill(form, address(request), photo)
    register(form)

    expect(form.get_by_role("alert").filter(has_text=sentence)).to_be_visible()
    register(form)
    expect_registered(form, name)


def test_shows_how_far_the_upload_is(form, photo, request):
    devtools = form.context.new_cdp_session(form)
    slow = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": 60_000}
    devtools.send("Network.emulateNetworkConditions", slow)
    name = fill(form, address(request), photo)
    register(form)

    expect(form.get_by_role("progressbar", name="Sending")).to_be_visible()
    expect_registered(form, name)


def test_another_sign_in_meanwhile_costs_nothing(new_page, photo, request, service):
    form = new_page(username=None)
    sign_in(form, service)
    form.goto("/patients/register/")
    form.expected += ["403"]  # the page's token was the other session's
    name = fill(form, address(request), photo)
    other = form.context.new_page()
    other.goto("/patients/")
    other.get_by_role("button", name="Sign out").click()
    expect(other.get_by_label("Password")).to_be_visible()
    sign_in(other, service)
    register(form)

    expect_registered(form, name)


def test_nothing_is_saved_in_the_name_of_somebody_else_without_asking(new_page, photo, request, service):
    form = new_page(username=None)
    sign_in(form, service)
    form.goto("/patients/register/")
    form.expected += ["403"]
    name = fill(form, address(request), photo)
    other = form.context.new_page()
    other.goto("/patients/")
    other.get_by_role("button", name="Sign out").click()
    sign_in(other, service, "admin")
    register(form)
    expect(form.get_by_text("Somebody else has signed in")).to_be_visible()
    register(form)

    expect_registered(form, name)


def test_a_wrong_password_and_a_closed_dialog_cost_nothing(form, photo, request, service):
    email = address(request)
    name = fill(form, email, photo)
    end_session(form, service)
    register(form)
    form.get_by_label("User name").fill("reception")
    form.get_by_label("Password").fill("wrong")
    form.get_by_role("button", name="Sign in").click()
    expect(form.get_by_role("dialog").locator(".error-summary")).to_be_focused()
    expect(form.get_by_role("dialog")).to_contain_text("is not correct")
    form.get_by_role("button", name="Cancel").click()

    expect(form.get_by_text("Not saved: you have been signed out")).to_be_visible()
    expect(form.get_by_role("button", name="Register", exact=True)).to_be_focused()
    expect(form.get_by_label("Email address")).to_have_value(email)
    register(form)
    expect(form.get_by_label("User name")).to_be_visible()
    # As the watch over the session does when it ends just now.
    form.evaluate("void document.querySelector('sign-in-again').ask(document, location.href, location.href)")
    form.get_by_label("User name").fill("reception")
    form.get_by_label("Password").fill(service.accounts["reception"])
    form.get_by_role("button", name="Sign in").click()
    expect_registered(form, name)


def test_registers_with_the_keyboard_alone(new_page, photo, request):
    page, person = new_page(), next(newcomers)

    def tab_to(control):
        for _ in range(8):  # a date alone has four stops
            page.keyboard.press("Tab")
            if control.evaluate("control => control === document.activeElement"):
                return
        raise AssertionError(f"{control} is not reached")

    expect(page.get_by_label("Name, email address")).to_be_focused()
    tab_to(page.get_by_role("button", name="Register a new patient"))
    page.keyboard.press("Enter")
    expect(page.get_by_label("Full name")).to_be_focused()
    page.keyboard.type(person["full_name"])
    for label, text in (
        ("Email address", address(request)),
        ("Phone number", person["phone"]),
        ("Address (optional)", "Rincón 487"),
        ("Date of birth (optional)", "02291984"),
    ):
        tab_to(page.get_by_label(label, exact=True))
        page.keyboard.type(text)
    tab_to(page.get_by_label(PHOTO))
    with page.expect_file_chooser() as chooser:
        page.keyboard.press("Space")
    chooser.value.set_files(document(pictures.with_comment(photo, person["email"])))
    tab_to(page.get_by_role("button", name="Rotate"))
    page.keyboard.press("Space")
    tab_to(page.get_by_role("button", name="Register", exact=True))
    page.keyboard.press("Enter")

    expect_registered(page, person["full_name"])


def test_registers_with_ready_data_in_twelve_interactions_at_most(new_page, photo, request):
    page, person = new_page(), next(newcomers)
    interactions = [
        lambda: page.get_by_role("button", name="Register a new patient").click(),
        lambda: page.keyboard.type(person["full_name"]),  # where the form has put the cursor
        lambda: page.keyboard.press("Tab"),
        lambda: page.keyboard.type(address(request)),
        lambda: page.keyboard.press("Tab"),
        lambda: page.keyboard.type(person["phone"]),
        lambda: page.keyboard.press("Tab"),
        lambda: page.keyboard.type("Rincón 487"),
        lambda: page.keyboard.press("Tab"),
        lambda: page.keyboard.type("02291984"),
        lambda: page.get_by_label(PHOTO).set_input_files(document(pictures.with_comment(photo, person["email"]))),
        lambda: page.get_by_role("button", name="Register", exact=True).click(),
    ]
    assert len(interactions) <= 12
    for interaction in interactions:
        interaction()
        page.wait_for_load_state()

    expect_registered(page, person["full_name"])
    expect(page.get_by_text("Feb. 29, 1984")).to_be_visible()
