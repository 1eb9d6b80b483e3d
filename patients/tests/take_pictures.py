"""Takes the README's pictures: `script/pictures`."""

import sys
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

from patients.tests import pictures
from patients.tests.service import Service

PEOPLE = [
    ("Juan Pérez", "juan@example.org", "+1 202 555 0123"),
    ("Nguyễn Thị Hồng", "hong@example.org", "+44 20 7946 0123"),
    ("محمد بن سلمان", "mohammed@example.org", "+1 202 555 0188"),
    ("Ana María Ñandú", "ana@example.org", "+598 99 123 456"),
]


def register(page, name, email, phone):
    page.goto("/patients/register/")
    page.get_by_label("Full name").fill(name)
    page.get_by_label("Email address").fill(email)
    page.get_by_label("Phone number").fill(phone)
    page.get_by_label("Photo of the identity document").set_input_files(
        {"name": "document.jpg", "mimeType": "image/jpeg", "buffer": pictures.encoded()}
    )


def take(folder):
    with (
        tempfile.TemporaryDirectory() as data,
        Service(Path(data) / "data") as service,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        page = browser.new_context(base_url=service.url, viewport={"width": 1000, "height": 900}).new_page()
        page.goto("/")
        page.get_by_label("User name").fill("reception")
        page.get_by_label("Password").fill(service.accounts["reception"])
        page.get_by_role("button", name="Sign in").click()
        for person in PEOPLE:
            register(page, *person)
            if person is PEOPLE[-1]:
                page.screenshot(path=folder / "register.png", full_page=True)
            page.get_by_role("button", name="Register").click()
        page.wait_for_timeout(1500)  # for the worker to send the mail
        page.reload()
        page.screenshot(path=folder / "record.png", full_page=True)
        page.goto("/patients/")
        page.wait_for_load_state("networkidle")
        page.screenshot(path=folder / "patients.png")
        browser.close()


if __name__ == "__main__":
    take(Path(sys.argv[1]).absolute())
