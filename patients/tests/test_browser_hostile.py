"""Hostile text is shown as what it is: it makes no element, runs nothing, and turns nothing around it."""

import json

import pytest
from playwright.sync_api import expect

from patients.tests.browser import register
from patients.tests.pages import together
from patients.tests.service import Service

pytestmark = [pytest.mark.slow, pytest.mark.once]

SCRIPT = "top.harmed=1"
NAMES = [
    *together(markup.replace("RUN", SCRIPT) for markup in """\
<script>RUN</script>
<ScRiPt>RUN</sCrIpT>
<script src=data:,RUN></script>
</title><script>RUN</script>
</textarea><script>RUN</script>
"><script>RUN</script>
'><script>RUN</script>
--><script>RUN</script>
]]><script>RUN</script>
<scr<script>ipt>RUN</scr</script>ipt>
<img src=x onerror=RUN>
<img src=x onerror="RUN">
<img/src/onerror=RUN>
"><img src=x onerror=RUN>
<svg onload=RUN>
<svg><script>RUN</script></svg>
<svg><animate onbegin=RUN attributeName=x dur=1s>
<math><mtext><img src=x onerror=RUN></mtext></math>
<body onload=RUN>
<iframe src=javascript:RUN></iframe>
<iframe srcdoc="<script>RUN</script>"></iframe>
<object data=javascript:RUN></object>
<embed src=javascript:RUN>
<a href=javascript:RUN>Ana</a>
<form action=javascript:RUN><button>Ana</button></form>
<input autofocus onfocus=RUN>
<details open ontoggle=RUN>
<video><source onerror=RUN></video>
<marquee onstart=RUN>
<style>@import 'javascript:RUN'</style>
<link rel=stylesheet href=javascript:RUN>
<meta http-equiv=refresh content="0;url=javascript:RUN">
<base href="https://evil.example/">
<template><script>RUN</script></template>
<noscript><p title="</noscript><img src=x onerror=RUN>">
" autofocus onfocus=RUN x="
' autofocus onfocus=RUN x='
` onmouseover=RUN
javascript:RUN
{{ 7|add:7 }}{% debug %}
${RUN}
&lt;script&gt;RUN&lt;/script&gt;
\\u003cscript\\u003eRUN\\u003c/script\\u003e
%3Cscript%3ERUN%3C/script%3E""".splitlines()),
    "\u202egnp.ana\u202c",  # reads ana.png
    "\u2067Ana\u2066\u2069",
    "Ana\u200f\u200e\u061c",
    "A" + "\u0335\u0489" * 60,
    "אבגד 7K4M-2Q9X ابجد",
]  # fmt: skip

_FILL = """
from patients.models import Patient, SearchKey
from django.core.management import call_command
names = %s
call_command("make_patients", len(names))
patients = list(Patient.objects.order_by("pk"))
for patient, name in zip(patients, names, strict=True):
    # As no door lets them in: whatever an old row may hold.
    Patient.objects.filter(pk=patient.pk).update(full_name=name, address=name, date_of_birth=None)
print(" ".join(patient.display_number for patient in patients))
"""


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    with Service(tmp_path_factory.mktemp("hostile") / "data") as service:
        yield service


@pytest.fixture(scope="module")
def patients(service):
    """The numbers of patients whose names are the hostile ones."""
    return dict(zip(NAMES, service.manage("shell", "-v0", "-c", _FILL % json.dumps(NAMES)).split(), strict=True))


@pytest.fixture
def desk(new_page):
    page = new_page()
    page.dialogs = []

    def answer(dialog):
        if dialog.type == "beforeunload":  # the form's own question
            dialog.accept()
        else:
            page.dialogs.append(dialog.message)
            dialog.dismiss()

    page.on("dialog", answer)
    page.expected = ["422"]
    return page


def elements(page):
    """Return how many elements and attributes the page has: what a name has added would show in them."""
    assert page.evaluate("top.harmed") is None and page.dialogs == []
    return page.evaluate(
        "[...document.querySelectorAll('body *')].flatMap((it) => [it.localName, ...it.getAttributeNames()]).sort()"
    )


@pytest.mark.parametrize("path", ["/patients/{}/", "/patients/{}/change/", "/patients/{}/slip/"])
def test_is_inert_on_the_pages_of_a_patient(path, patients, desk):
    usual = None
    for name, number in patients.items():
        desk.goto(path.format(number))
        made = elements(desk)
        usual = usual or made
        assert made == usual, name
        shown = desk.locator("bdi").first if "change" not in path else desk.get_by_label("Full name")
        assert (shown.input_value() if "change" in path else shown.text_content()) == name


def test_is_inert_in_the_list(patients, desk):
    desk.goto("/patients/")
    shown = []
    while True:
        for card in desk.locator(".card").all():
            shown.append(card.locator("bdi").text_content())
            assert card.locator("*").count() == desk.locator(".card").first.locator("*").count()
            name, number = card.locator(".name"), card.locator(".number")
            # Whatever direction it has, the name stays within its own line.
            assert name.bounding_box()["x"] == number.bounding_box()["x"]
        assert elements(desk)
        if not desk.get_by_role("link", name="Older patients").count():
            break
        desk.get_by_role("link", name="Older patients").click()
        desk.wait_for_load_state()

    assert shown == NAMES[::-1]


def test_is_inert_where_it_was_typed(desk):
    usual = {}
    for name in NAMES:
        desk.goto("/patients/")
        desk.get_by_label("Name, email address").fill(name)
        desk.keyboard.press("Enter")
        expect(desk.locator("#results:not([aria-busy]) .empty q")).to_have_text(name, use_inner_text=False)
        made = elements(desk)
        assert made == usual.setdefault("search", made), name

        desk.get_by_role("button", name="Register a new patient").click()
        for label in ("Email address", "Phone number", "Address (optional)"):
            desk.get_by_label(label, exact=True).fill(name)
        hostile = {"name": f"{name[:80]}.jpg".replace("/", "|"), "mimeType": "image/jpeg", "buffer": b"x"}
        desk.get_by_label("Photo of the identity document").set_input_files(hostile)
        assert desk.locator("[data-name] > bdi").text_content() == hostile["name"]
        register(desk)
        expect(desk.locator("#error-summary")).to_be_visible()
        expect(desk.get_by_label("Address (optional)", exact=True)).to_have_value(name)
        assert elements(desk).count("script") == usual.setdefault("scripts", elements(desk).count("script"))
        assert not {"iframe", "object", "embed", "svg", "base", "meta"} & set(elements(desk))
