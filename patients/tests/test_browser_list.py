"""What scripts add to the list: it searches while somebody types, and is fresh without a reload."""

import pytest
from playwright.sync_api import expect

from patients.tests.browser import address, end_session, expect_registered, fill, register

SEARCH = "Name, email address, phone or patient number"


@pytest.fixture
def register_one(new_page, photo, request):
    """Register somebody at another desk; return their address."""

    def make(name):
        email = address(request)
        page = new_page()
        page.goto("/patients/register/")
        fill(page, email, photo, name)
        register(page)
        expect_registered(page, name)
        return email

    return make


def test_shows_who_is_registered_elsewhere_and_leaves_the_rest_as_it_is(new_page, register_one):
    register_one("Before Elsewhere")
    page = new_page()
    card = page.locator(".card").filter(has_text="Before Elsewhere").first
    card.get_by_text("Details").click()
    card.get_by_role("link").focus()
    photos = []
    page.on("request", lambda sent: "/photo/" in sent.url and photos.append(sent.url))
    elsewhere = new_page()
    elsewhere.goto(f"{card.get_by_role('link').get_attribute('href')}change/")
    elsewhere.get_by_label("Full name").fill("Before Elsewhere Corrected")
    elsewhere.get_by_role("button", name="Save").click()
    expect(elsewhere.get_by_role("heading", name="Before Elsewhere Corrected")).to_be_visible()
    register_one("Now Elsewhere")

    expect(page.locator(".card").first).to_contain_text("Now Elsewhere")
    expect(card.get_by_role("link")).to_have_text("Before Elsewhere Corrected")
    expect(card.get_by_text("Phone number")).to_be_visible()
    expect(card.get_by_role("link")).to_be_focused()
    page.wait_for_timeout(500)
    assert len(photos) == 1  # a look at a photo leaves a trace: nobody looked at the others again


@pytest.mark.slow
@pytest.mark.once
def test_keeps_the_focus_on_the_way_to_older_ones(new_page, register_one, service):
    service.manage("make_patients", "21", "--among-patients")
    page = new_page()
    older = page.get_by_role("link", name="Older patients")
    older.focus()
    before = older.get_attribute("href")
    register_one("Just Registered")

    expect(page.locator(".card").first).to_contain_text("Just Registered")
    assert older.get_attribute("href") != before
    expect(older).to_be_focused()


def test_shows_a_photo_that_was_turned(new_page, register_one):
    register_one("Lying Down")
    page, elsewhere = new_page(), new_page()
    card = page.locator(".card").filter(has_text="Lying Down").first
    expect(card.locator("img")).to_have_js_property("naturalWidth", 480)
    elsewhere.goto(f"{card.get_by_role('link').get_attribute('href')}change/")
    elsewhere.get_by_role("button", name="Rotate").click()
    elsewhere.get_by_role("button", name="Save").click()

    expect(card.locator("img")).to_have_js_property("naturalHeight", 480)


def test_searches_while_somebody_types_and_comes_back_to_it(new_page, register_one):
    email = register_one("Searched Person")
    page = new_page()
    page.get_by_label(SEARCH).press_sequentially("nobody has this name")
    expect(page.locator(".empty")).to_contain_text("Nobody found")
    expect(page.get_by_role("status")).to_contain_text("Nobody found")
    page.get_by_label(SEARCH).fill(email)
    expect(page.locator(".card")).to_have_count(1)

    page.get_by_role("link", name="Searched Person").click()
    expect(page.get_by_role("heading", name="Searched Person")).to_be_visible()
    page.go_back()
    expect(page.get_by_label(SEARCH)).to_have_value(email)
    expect(page.locator(".card")).to_have_count(1)


def test_says_that_it_is_searching_and_that_the_connection_is_lost(new_page):
    page = new_page()
    page.expected += ["ERR_INTERNET_DISCONNECTED"]
    page.route("**/patients/", lambda route: page.wait_for_timeout(700) or route.continue_(), times=1)
    page.get_by_label(SEARCH).fill("somebody")
    expect(page.locator("#results")).to_have_attribute("aria-busy", "true")
    expect(page.locator("#results")).not_to_have_attribute("aria-busy", "true")

    page.context.set_offline(True)
    page.get_by_label(SEARCH).fill("somebody else")
    expect(page.get_by_role("alert")).to_contain_text("Check the connection and try again")
    expect(page.locator("#results")).to_be_empty()
    page.context.set_offline(False)
    expect(page.locator("#lost")).to_be_empty()
    expect(page.locator("#results")).to_contain_text("Nobody found for somebody else")


@pytest.mark.slow
@pytest.mark.once
def test_moves_no_card_away_from_the_pointer(new_page, register_one):
    register_one("Pointed At")
    page = new_page()
    card = page.locator(".card").first
    expect(card).to_contain_text("Pointed At")
    card.hover()
    register_one("Comes Meanwhile")
    for _ in range(7):
        page.mouse.move(*[card.bounding_box()[side] + 30 for side in ("x", "y")])
        page.wait_for_timeout(1000)
        card.get_by_text("Details").hover()
    expect(card).to_contain_text("Pointed At")

    page.mouse.move(5, 5)
    expect(page.locator(".card").first).to_contain_text("Comes Meanwhile")


@pytest.mark.slow
@pytest.mark.once
def test_asks_for_nothing_while_nobody_looks(new_page):
    page, asked = new_page(), []
    page.evaluate("Object.defineProperty(document, 'hidden', {get: () => true})")
    page.wait_for_timeout(500)
    page.on("request", lambda sent: asked.append(sent.url))
    page.wait_for_timeout(7000)

    assert asked == []


@pytest.mark.slow
@pytest.mark.once
def test_leads_to_the_sign_in_when_the_session_has_ended(new_page, service):
    page = new_page()
    end_session(page, service)

    expect(page.get_by_label("Password")).to_be_visible()
