"""In a real browser: the warning before a session ends, and what happens to the page when it has ended."""

import re

import pytest
from playwright.sync_api import expect

from patients.tests.browser import end_session


@pytest.fixture
def form(new_page):
    """The form, on a page whose clock is put forward by hand."""
    page = new_page()
    page.clock.install()
    page.goto("/patients/register/")
    page.get_by_label("Full name").fill("Ana María Ñandú")
    yield page
    page.unroute_all(behavior="wait")


def almost_over(page, seconds):
    """Let the service say that the session ends in so many seconds."""

    def answer(route):
        state = route.fetch().json()
        if route.request.method == "GET":
            state["seconds"] = seconds
        route.fulfill(json=state)

    page.route("**/accounts/session/", answer)


@pytest.mark.parametrize("how", ["button", "Escape"])
def test_warns_before_the_session_ends_and_keeps_it_when_told_to(form, how):
    almost_over(form, seconds=90)
    form.clock.run_for("29:00")

    expect(form.get_by_role("heading", name="Are you still there?")).to_be_visible()
    with form.expect_request(lambda request: request.method == "POST" and "session" in request.url):
        if how == "button":
            form.get_by_role("button", name="Stay signed in").click()
        else:
            form.keyboard.press("Escape")
    expect(form.get_by_role("heading", name="Are you still there?")).to_be_hidden()
    expect(form.get_by_label("Full name")).to_have_value("Ana María Ñandú")


def test_typing_is_a_sign_of_life(form):
    form.clock.run_for("10:00")

    with form.expect_request(lambda request: request.method == "POST" and "session" in request.url):
        form.get_by_label("Full name").press_sequentially("x")


def test_what_was_entered_is_still_there_after_signing_in_again(form, service):
    form.expected += ["403"]
    end_session(form, service)
    form.clock.run_for("29:00")

    expect(form.get_by_role("heading", name="Sign in again")).to_be_visible()
    form.get_by_label("User name").fill("reception")
    form.get_by_label("Password").fill(service.accounts["reception"])
    form.get_by_role("button", name="Sign in").click()

    expect(form.get_by_role("heading", name="Sign in again")).to_be_hidden()
    expect(form.get_by_label("Full name")).to_have_value("Ana María Ñandú")
    form.get_by_role("button", name="Register", exact=True).click()
    expect(form.get_by_role("alert").first).to_contain_text("There is a problem")


def test_who_gives_up_signing_in_is_asked_before_what_was_entered_is_lost(form, service):
    asked = []
    form.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.dismiss()))
    end_session(form, service)
    form.clock.run_for("29:00")
    again = form.get_by_role("heading", name="Sign in again")
    expect(again).to_be_visible()
    form.keyboard.press("Escape")

    expect(again).to_be_hidden()
    expect(form.get_by_label("Full name")).to_have_value("Ana María Ñandú")
    form.clock.run_for("00:30")
    expect(again).to_be_visible()
    assert asked[0] == "beforeunload"


def test_a_page_on_which_nothing_is_entered_leads_to_sign_in(new_page, service):
    page = new_page()
    page.clock.install()
    page.goto("/accounts/")
    end_session(page, service)
    page.clock.run_for("29:00")

    expect(page).to_have_url(re.compile(r"/accounts/login/\?next=/accounts/$"))
