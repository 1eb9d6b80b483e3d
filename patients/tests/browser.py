"""A real browser at the front desk of a real service."""

import functools
import random
import shutil
import time

import pytest
from playwright.sync_api import expect, sync_playwright

from patients import made_up
from patients.tests import pictures

newcomers = made_up.people(random.Random(5), 1)  # noqa: S311
PHONE, TABLET, DESKTOP = (390, 844), (800, 1100), (1280, 800)
expect.set_options(timeout=15_000)
#: Chromium without what draws windows, which does the same for a third of the time; or the whole of it.
CHROMIUM = shutil.which("chromium-headless-shell") or shutil.which("chromium")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking"]


@pytest.fixture(scope="module")
def launch():
    """Return a browser started with further flags.

    Per module: while one is open, this thread may not use Django's database, which other modules' tests do.
    """
    with sync_playwright() as playwright:
        yield lambda *flags: playwright.chromium.launch(executable_path=CHROMIUM, args=[*FLAGS, *flags])


@pytest.fixture(scope="module")
def chromium(launch):
    chromium = launch("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")
    yield chromium
    chromium.close()


@pytest.fixture(scope="module")
def session_of(chromium, service):
    """Return the cookies of somebody who signed in, once for all pages: who signs out or away does so on their own."""

    @functools.cache
    def make(username):
        context = chromium.new_context(base_url=service.url)
        sign_in(context.new_page(), service, username)
        cookies = context.cookies()
        context.close()
        return cookies

    return make


@pytest.fixture
def new_page(chromium, service, session_of):
    """Return a new page in which reception is signed in; nothing on it may fail or come from elsewhere.

    What the page is expected to complain about is named in its list `expected`.
    """
    contexts, complaints = [], []

    def make(size=DESKTOP, username="reception", **options):
        width, height = size
        options = {"base_url": service.url, "viewport": {"width": width, "height": height}} | options
        context = chromium.new_context(**options)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(20_000)
        page.expected = ["422", "404"]
        page.on("filechooser", lambda chooser: None)  # or a test that waits for one may be told of it too late
        page.on("console", lambda message: message.type == "error" and complaints.append((page, message.text)))
        page.on("pageerror", lambda error: complaints.append((page, str(error))))
        page.on(
            "request",
            lambda sent: sent.url.startswith((service.url, "blob:", "data:")) or complaints.append((page, sent.url)),
        )
        if username:
            context.add_cookies(session_of(username))
            page.goto("/patients/")
        return page

    yield make
    for context in contexts:
        context.close()
    assert [text for page, text in complaints if not any(part in text for part in page.expected)] == []


@pytest.fixture(params=[True, False], ids=["script", "no script"])
def page(request, new_page):
    """A page at the front desk, with and without script."""
    return new_page(java_script_enabled=request.param)


@pytest.fixture
def form(new_page):
    """The page of the form, with script."""
    page = new_page()
    page.goto("/patients/register/")
    return page


def preview(page):
    """Return the photo that the form shows before it is sent."""
    return page.get_by_role("img", name="The photo as it will be sent")


def sign_in(page, service, username="reception"):
    page.goto("/accounts/login/?next=/patients/")
    page.get_by_label("User name").fill(username)
    page.get_by_label("Password").fill(service.accounts[username])
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Patients", exact=True)).to_be_visible()


def end_session(page, service):
    """Let the session be over, as after a time in which nothing was done."""
    page.wait_for_load_state("networkidle")
    page.context.add_cookies([{"name": "sessionid", "value": "of-an-ended-session", "url": service.url}])


def address(request):
    """Return an email address that no other test uses."""
    return f"{request.node.name.encode().hex()[:40]}.{time.monotonic_ns()}@example.org"


def document(photo, name="document.jpg"):
    return {"name": name, "mimeType": "image/jpeg", "buffer": photo}


def fill(page, email, photo=None, name=None):
    """Fill the form in for somebody who resembles nobody registered before; return their name."""
    person = next(newcomers)
    name = name or person["full_name"]
    page.get_by_label("Full name").fill(name)
    page.get_by_label("Email address").fill(email)
    page.get_by_label("Phone number").fill(person["phone"])
    if photo:
        photo = pictures.with_comment(photo, person["email"])
        page.get_by_label("Photo of the identity document").set_input_files(document(photo))
    return name


def register(page):
    page.get_by_role("button", name="Register", exact=True).click()


def expect_registered(page, name):
    expect(page.get_by_role("status").first).to_contain_text(f"{name} has patient number", timeout=30_000)


def expect_patients(page, email, count):
    """There are so many patients with the address."""
    page.goto(f"/patients/?search={email}")
    expect(page.locator("h2, .empty").first).to_be_visible()
    expect(page.locator(".card")).to_have_count(count)
