"""The record's page, and who may be the same person, in a real browser."""

import re

import pytest
from playwright.sync_api import expect

from patients.tests.browser import PHONE, address, document, expect_registered, fill, register
from patients.tests.pictures import with_comment


@pytest.fixture
def record(page, photo, request):
    """The page of somebody who was registered a moment ago."""
    page.goto("/patients/register/")
    email = address(request)
    page.person = {"email": email, "name": fill(page, email, photo)}
    page.person["phone"] = page.get_by_label("Phone number").input_value()
    register(page)
    expect_registered(page, page.person["name"])
    page.person["number"] = page.locator("dd.number").inner_text()
    return page


@pytest.mark.parametrize("page", [True], indirect=True, ids=["script"])
def test_says_quietly_who_may_be_the_same_person(record, photo, request):
    page, person = record, record.person
    page.get_by_role("link", name="Register another").click()
    name = fill(page, address(request))
    expect(page.get_by_role("group", name="Is this the same person?")).to_have_count(0)
    page.get_by_label("Full name").fill(person["name"])
    page.get_by_label("Phone number").fill(person["phone"])
    page.get_by_label("Email address").focus()

    panel = page.get_by_role("group", name="Is this the same person?")
    expect(panel).to_contain_text("same name, same phone number")
    expect(panel.get_by_role("link")).to_have_attribute("href", f"/patients/{person['number']}/")
    panel.get_by_label("This is a different person").check()
    page.get_by_label("Date of birth").fill("2001-02-03")
    page.get_by_label("Full name").focus()
    expect(panel.get_by_label("This is a different person")).to_be_checked()
    photo = with_comment(photo, f"another of {name}")
    page.get_by_label("Photo of the identity document").set_input_files(document(photo))
    register(page)
    expect_registered(page, person["name"])
    expect(page.get_by_text("Is this the same person?")).to_have_count(0)
    expect(page.locator(".history")).to_contain_text(f"said that it is not the same person as {person['number']}")


@pytest.mark.parametrize("page", [True], indirect=True, ids=["script"])
def test_keeps_what_is_ticked_while_it_asks_again(record, request):
    page, person = record, record.person
    page.get_by_role("link", name="Register another").click()
    fill(page, address(request), name=person["name"])
    page.get_by_label("Phone number").fill(person["phone"])
    page.get_by_label("Full name").focus()
    panel = page.get_by_role("group", name="Is this the same person?")
    expect(panel).to_be_visible()
    held = []
    page.route("**/matches/", lambda route: held.append(route), times=1)  # noqa: PLW0108 — playwright marks it
    page.get_by_label("Email address").fill(person["email"])
    page.get_by_label("Full name").focus()
    box = panel.get_by_label("This is a different person")
    box.check()
    held[0].continue_()

    expect(panel).to_contain_text("same email address")
    expect(box).to_be_checked()
    expect(box).to_be_focused()


@pytest.mark.parametrize("page", [True], indirect=True, ids=["script"])
@pytest.mark.parametrize("how", ["mouse", "touch"])
def test_moves_nothing_away_from_under_a_finger_that_is_down(how, record, request):
    page, person = record, record.person
    page.get_by_role("link", name="Register another").click()
    fill(page, address(request))
    held = []
    page.route("**/matches/", lambda route: held.append(route))  # noqa: PLW0108 — playwright marks it
    page.get_by_label("Full name").fill(person["name"])
    page.get_by_label("Phone number").fill(person["phone"])
    button = page.get_by_role("button", name="Register", exact=True)
    button.hover()
    box, devtools = button.bounding_box(), page.context.new_cdp_session(page)
    place = [{"x": box["x"] + 10, "y": box["y"] + 10}]
    if how == "mouse":
        page.mouse.down()
    else:
        page.keyboard.press("Tab")  # as a phone's keyboard does when it goes away
        devtools.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": place})
    page.wait_for_timeout(300)
    for route in held:
        route.continue_()
    page.wait_for_timeout(700)
    panel = page.get_by_role("group", name="Is this the same person?")
    expect(panel).to_have_count(0)

    if how == "mouse":
        page.mouse.up()
    else:
        devtools.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    expect(page.locator("#error-summary")).to_contain_text("may be registered already")


def test_asks_before_it_registers_the_same_person_twice(record, photo, request):
    page, person = record, record.person
    page.goto("/patients/register/")
    fill(page, address(request), photo, name=person["name"])
    page.get_by_label("Phone number").fill(person["phone"])
    register(page)

    expect(page.locator("#error-summary")).to_contain_text("may be registered already")
    panel = page.get_by_role("group", name="Is this the same person?")
    expect(panel).to_contain_text("same name, same phone number")
    panel.get_by_label("This is a different person").check()
    register(page)
    expect_registered(page, person["name"])


@pytest.mark.parametrize("page", [True], indirect=True, ids=["script"])
def test_says_by_itself_that_the_confirmation_was_sent_and_answered(record, service):
    expect(record.locator(".confirmation .tag")).to_have_text("sent", timeout=30_000)
    (mail,) = [mail for mail in service.mails() if mail["To"] == record.person["email"]]
    link = re.search(r"/address/[\w:-]+/", mail.get_payload(0).get_payload(decode=True).decode())[0]
    patient = record.context.browser.new_page(base_url=service.url)
    patient.goto(link)
    patient.get_by_role("button", name="Yes, this is me").click()
    expect(patient.get_by_role("heading", name="Thank you")).to_be_visible()
    patient.close()

    expect(record.locator(".confirmation")).to_contain_text("says that it is this patient's", timeout=40_000)
    asked = []
    record.on("request", lambda request: asked.append(request.url))
    record.wait_for_timeout(3_000)
    assert asked == []


@pytest.mark.parametrize("page", [True], indirect=True, ids=["script"])
def test_shows_the_photo_larger_and_turned(record):
    image = record.get_by_role("img", name="Photo of the identity document")
    record.get_by_role("button", name="Enlarge").click()
    window = record.get_by_role("dialog", name="Photo of the identity document")
    expect(window).to_be_visible()
    upright = image.bounding_box()
    assert upright["width"] > upright["height"]

    window.get_by_role("button", name="Rotate").click()
    turned = image.bounding_box()
    assert turned["height"] > turned["width"] and turned["height"] <= record.viewport_size["height"]
    window.get_by_role("button", name="Zoom in").click()
    assert image.bounding_box()["height"] > 1.4 * turned["height"]
    record.keyboard.press("+")
    for key in ["ArrowRight", "ArrowUp"] * 40:
        record.keyboard.press(key)
    moved, frame = image.bounding_box(), window.locator(".frame").bounding_box()
    assert moved["x"] + moved["width"] >= frame["x"] + frame["width"] / 2 - 1  # half of it is still there
    assert moved["y"] <= frame["y"] + frame["height"] / 2 + 1
    record.keyboard.press("-")
    record.keyboard.press("-")
    record.keyboard.press("Escape")
    expect(window).to_be_hidden()
    assert image.bounding_box()["width"] > image.bounding_box()["height"]


def test_leads_from_the_photo_to_replacing_it(record):
    record.get_by_role("link", name="Replace the photo").click()

    expect(record).to_have_url(re.compile("/change/#id_document_photo$"))


def test_prints_a_slip_with_the_number_alone(record):
    record.get_by_role("link", name="Slip to print").click()

    number = record.person["number"]
    expect(record.get_by_role("img", name=f"QR code of {number}")).to_be_visible()
    expect(record.locator(".slip")).to_contain_text(number)
    record.emulate_media(media="print")
    expect(record.locator("header.site")).to_be_hidden()
    expect(record.get_by_role("link", name="Back to the record")).to_be_hidden()
    expect(record.locator(".slip")).to_be_visible()


@pytest.mark.parametrize("page", [True], indirect=True, ids=["script"])
def test_the_slip_prints_when_told_to(record):
    record.get_by_role("link", name="Slip to print").click()
    record.evaluate("window.print = () => document.title = 'printed'")
    record.get_by_role("button", name="Print").click()

    expect(record).to_have_title("printed")


def test_no_page_of_a_record_is_wider_than_a_phone(record):
    record.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})
    for url in (record.url, f"{record.url}slip/", f"{record.url}change/"):
        record.goto(url)
        assert record.locator("body").evaluate("body => body.scrollWidth") <= PHONE[0]
