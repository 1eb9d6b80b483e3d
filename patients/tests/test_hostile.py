"""Hostile files: each is refused with a sentence, or what is stored is a picture of ours and nothing else."""

from io import BytesIO

import pytest
from django.core.exceptions import ValidationError
from django.core.files.base import ContentFile
from PIL import Image

from patients.models import Patient
from patients.photos import cleaning, refusals, storage
from patients.tests import hostile
from patients.tests.conftest import ANA

pytestmark = [pytest.mark.slow, pytest.mark.once]

SENTENCES = [refusals.refusal(code).messages[0] for code in refusals.SENTENCES]


@pytest.fixture(scope="module")
def corpus():
    return dict(hostile.files())


def assert_clean(made):
    """The bytes are one JPEG from first to last, and say nothing but pixels."""
    image = Image.open(BytesIO(made))
    image.load()
    assert image.format == "JPEG" and image.mode in ("RGB", "L") and max(image.size) <= 2000
    assert set(image.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"} and not image.getexif()
    assert made.startswith(b"\xff\xd8\xff") and made.endswith(b"\xff\xd9")
    assert not any(bad in made for bad in (b"<script", b"<?php", b"%PDF", b"PK\x03\x04", b"Exif", b"http"))


def test_every_file_is_refused_with_a_sentence_or_made_clean(corpus):
    assert len(corpus) >= 700
    stored = refused = 0
    for content in corpus.values():
        try:
            photo = cleaning.clean(ContentFile(content))
        except ValidationError as refusal:
            assert refusal.messages[0] in SENTENCES
            refused += 1
        else:
            assert_clean(photo.read())
            assert_clean(photo.thumbnail)
            stored += 1

    # Both happen: a collection of which nothing got in would prove little about what is stored.
    assert stored > 50 and refused > 500


def test_through_the_api_none_is_an_error_of_ours(corpus, api, upload, stored_files):
    statuses = set()
    for name in list(corpus)[::9]:
        answer = api.post("/api/v1/patients/", ANA | {"shared_email": True, "document_photo": upload(corpus[name])})
        statuses.add(answer.status_code)
        assert answer.status_code in (201, 400, 413), name

    assert {201, 400} <= statuses
    assert len(stored_files()) == 2 * Patient.objects.count()
    for patient in Patient.objects.all():
        photo = storage.load(patient.document_photo.name, "")
        assert_clean(photo.read())
        assert_clean(photo.thumbnail)
