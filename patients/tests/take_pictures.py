"""Takes the README's pictures: `script/pictures`."""

import sys
import tempfile
from pathlib import Path

from playwright.sync_api import expect, sync_playwright

from patients.tests.browser import CHROMIUM, DESKTOP, FLAGS, PHONE, sign_in
from patients.tests.service import ROOT, Service

DOCUMENT = ROOT / "static" / "example-document.webp"
ANA = {
    "Full name": "Ana María Ñandú",
    "Email address": "ana@example.org",
    "Phone number": "+598 99 123 456",
    "Address (optional)": "Rincón 487\nMontevideo",
    "Date of birth (optional)": "1984-02-29",
}


def fill(page, **values):
    page.goto("/patients/register/")
    for label, value in (ANA | values).items():
        page.get_by_label(label, exact=True).fill(value)
    page.get_by_label("Photo of the identity document").set_input_files(DOCUMENT)
    expect(page.get_by_role("button", name="Rotate")).to_be_visible()


def take(folder):
    with (
        tempfile.TemporaryDirectory() as data,
        Service(Path(data) / "data") as service,
        sync_playwright() as playwright,
    ):
        service.manage("make_patients", "8")
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)

        def new_page(size, **options):
            width, height = size
            page = browser.new_page(base_url=service.url, viewport={"width": width, "height": height}, **options)
            sign_in(page, service)
            return page

        desk, phone = new_page(DESKTOP), new_page(PHONE, color_scheme="dark", is_mobile=True, has_touch=True)
        fill(desk)
        desk.screenshot(path=folder / "register.png", full_page=True)
        desk.get_by_role("button", name="Register", exact=True).click()
        expect(desk.get_by_text("by email on")).to_be_visible(timeout=30_000)
        desk.screenshot(path=folder / "record.png")
        fill(desk, **{"Full name": "Ñandu Ana Maria", "Email address": "anita@example.org"})
        expect(desk.get_by_label("This is a different person")).to_be_visible()
        desk.evaluate("scrollTo(0, 0)")
        desk.screenshot(path=folder / "matches.png")
        for page, name in ((desk, "patients.png"), (phone, "phone.png")):
            page.goto("/patients/")
            page.wait_for_load_state("networkidle")
            page.screenshot(path=folder / name)
        browser.close()


if __name__ == "__main__":
    take(Path(sys.argv[1]).absolute())
