"""What scripts add to the photo of the form: each way in for it, turned and small enough."""

import os
import re
from io import BytesIO

import pytest
from PIL import Image
from playwright.sync_api import expect

from patients.tests import pictures
from patients.tests.browser import (
    PHONE,
    address,
    document,
    expect_registered,
    fill,
    preview,
    register,
    sign_in,
)

PHOTO = "Photo of the identity document"


def stored_photo(page):
    """Return the photo on the record that the page shows."""
    answer = page.request.get(page.get_by_role("img", name=PHOTO).get_attribute("src"))
    return Image.open(BytesIO(answer.body()))


def test_shows_the_chosen_photo_and_sends_it_turned(form, photo, request):
    name = fill(form, address(request), photo)
    expect(preview(form)).to_be_visible()
    expect(form.get_by_text("document.jpg, ")).to_be_visible()
    form.get_by_role("button", name="Rotate").click()
    frame, turned = form.locator(".preview .frame").bounding_box(), preview(form).bounding_box()
    register(form)

    assert frame["y"] <= turned["y"] and turned["height"] <= frame["height"] and turned["height"] > turned["width"]
    expect_registered(form, name)
    assert stored_photo(form).height > stored_photo(form).width


def test_turns_a_photo_that_is_there_already(form, photo, request):
    name = fill(form, "", photo)
    register(form)
    expect(form.get_by_text("Photo kept: document.jpg")).to_be_visible()
    form.get_by_label("Email address").fill(address(request))
    form.get_by_role("button", name="Rotate").click()
    register(form)
    expect_registered(form, name)
    assert stored_photo(form).height > stored_photo(form).width

    form.get_by_role("link", name="Change").click()
    expect(form.get_by_role("img", name="The photo on the record")).to_be_visible()
    form.get_by_role("button", name="Rotate").click()
    form.get_by_role("button", name="Save").click()
    expect(form.get_by_text("Saved.")).to_be_visible()
    assert stored_photo(form).height < stored_photo(form).width


def test_takes_a_photo_that_is_dropped_anywhere_on_the_page(form, photo, request, tmp_path):
    file = tmp_path / "dropped.jpg"
    file.write_bytes(pictures.with_comment(photo, "dropped"))
    name = fill(form, address(request))
    drop(form, file, form.get_by_role("heading", name="Register a patient"))

    expect(form.get_by_text("dropped.jpg, ")).to_be_visible()
    register(form)
    expect_registered(form, name)


def drop(page, file, target):
    """Drop a file as the desktop does, at the middle of the target."""
    box = target.bounding_box()
    data = {"items": [], "files": [str(file)], "dragOperationsMask": 1}
    devtools = page.context.new_cdp_session(page)
    for kind in ("dragEnter", "dragOver", "drop"):
        devtools.send("Input.dispatchDragEvent", {"type": kind, "x": box["x"] + 5, "y": box["y"] + 5, "data": data})


def paste(page, photo, text=""):
    page.evaluate(
        """([bytes, text]) => {
            const data = new DataTransfer();
            data.items.add(new File([new Uint8Array(bytes)], "pasted.jpg", {type: "image/jpeg"}));
            if (text) data.setData("text/html", text);
            document.dispatchEvent(new ClipboardEvent("paste", {clipboardData: data}));
        }""",
        [list(photo), text],
    )


def test_takes_a_photo_that_is_pasted(form, photo):
    paste(form, photo)

    expect(form.get_by_text("pasted.jpg, ")).to_be_visible()


def test_photographs_with_the_webcam(form, request):
    name = fill(form, address(request))
    form.get_by_role("button", name="Take a photo").click()
    form.get_by_role("button", name="Take the photo").click()

    expect(form.get_by_text("camera.jpg, ")).to_be_visible()
    form.wait_for_function("document.querySelector('video').srcObject === null")  # its light is off
    register(form)
    expect_registered(form, name)


def test_the_webcam_can_be_left_and_lets_go_of_the_camera(form):
    form.get_by_role("button", name="Take a photo").click()
    expect(form.get_by_role("button", name="Take the photo")).to_be_focused()
    form.keyboard.press("Escape")

    expect(form.get_by_role("dialog")).to_have_count(0)
    form.wait_for_function("document.querySelector('video').srcObject === null")
    expect(preview(form)).to_have_count(0)


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        ([], "No camera was found"),
        (["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream=deny"], "The camera may not be used"),
    ],
    ids=["none", "refused"],
)
def test_without_a_camera_a_file_is_the_way_out(flags, sentence, launch, service):
    chromium = launch(*flags)
    page = chromium.new_page(base_url=service.url)
    sign_in(page, service)
    page.goto("/patients/register/")
    page.get_by_role("button", name="Take a photo").click()
    expect(page.get_by_role("dialog", name="Take a photo")).to_contain_text(sentence)
    with page.expect_file_chooser():
        page.get_by_role("button", name="Choose a file").click()
    expect(page.get_by_role("dialog", name="Take a photo")).to_have_count(0)
    chromium.close()


def test_a_touch_device_uses_its_own_camera(new_page, photo):
    page = new_page(size=PHONE, has_touch=True, is_mobile=True)
    page.goto("/patients/register/")
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Take a photo").tap()
    assert chooser.value.element.get_attribute("capture") == "environment"
    chooser.value.set_files(document(photo, "phone.jpg"))

    expect(page.get_by_text("phone.jpg, ")).to_be_visible()


@pytest.mark.slow
@pytest.mark.once
def test_a_photo_over_the_limit_is_scaled_and_another_sent_as_it_is(form, photo, request):
    noise = Image.frombytes("RGB", (4000, 3000), os.urandom(36_000_000))
    large = pictures.encoded(noise, quality=100)
    assert len(large) > 10_000_000
    fill(form, address(request), large)
    expect(form.get_by_text(re.compile(r"document.jpg, \d\.\d.MB"))).to_be_visible(timeout=30_000)
    sent = form.evaluate("document.querySelector('input[type=file]').files[0].size")
    assert 1_000_000 < sent < 10_000_000

    form.get_by_label(PHOTO).set_input_files(document(photo))
    expect(form.get_by_text(re.compile(r"document.jpg, [\d.]+.kB"))).to_be_visible()
    assert form.evaluate("document.querySelector('input[type=file]').files[0].size") == len(photo)


@pytest.mark.parametrize(
    ("content", "mime", "sentence"),
    [(b"%PDF-1.7", "application/pdf", "The selected file is a PDF"), (b"Ana", "text/plain", "must be a JPG, PNG or")],
    ids=["pdf", "text"],
)
def test_says_at_once_what_is_wrong_with_a_file_but_leaves_the_verdict_to_the_service(content, mime, sentence, form):
    form.get_by_label(PHOTO).set_input_files({"name": "file", "mimeType": mime, "buffer": content})
    expect(form.get_by_role("alert").filter(has_text=sentence)).to_be_visible()

    register(form)
    expect(form.locator("#error-summary")).to_contain_text(sentence)


def test_a_photo_that_comes_while_the_form_is_sent_or_with_text_is_left(form, photo, request, tmp_path):
    form.expected += ["ERR_FAILED"]
    file = tmp_path / "late.jpg"
    file.write_bytes(photo)
    held = []
    form.route("**/patients/register/", lambda route: held.append(route), times=1)  # noqa: PLW0108 — playwright marks it
    fill(form, address(request), photo)
    paste(form, photo, "a cell of a spreadsheet")
    form.get_by_role("button", name="Register", exact=True).click()
    expect(form.locator("form[data-send] > [inert]").first).to_be_attached()
    drop(form, file, form.get_by_role("heading", name="Register a patient"))
    held[0].abort()
    expect(form.get_by_text("Not saved. Check the connection")).to_be_visible()

    assert form.locator("input[type=file]").evaluate("input => input.files[0].name") == "document.jpg"
