import zlib
from io import BytesIO

import pytest
from django.core.exceptions import ValidationError
from django.core.files.base import ContentFile
from PIL import Image

from patients.photos import cleaning, refusals, storage
from patients.tests import pictures


def clean(content):
    return cleaning.clean(ContentFile(content))


@pytest.mark.parametrize(
    "content",
    [
        pictures.encoded(),
        pictures.encoded(progressive=True),
        pictures.encoded(pictures.picture(mode="L")),
        pictures.encoded(pictures.picture(mode="CMYK")),
        pictures.encoded(format="PNG"),
        pictures.encoded(pictures.picture(mode="P"), "PNG"),
        pictures.encoded(pictures.picture(mode="RGBA"), "PNG"),
        pictures.encoded(format="WEBP"),
        pictures.mpo(),
    ],
    ids=["jpeg", "progressive", "grey", "cmyk", "png", "palette", "transparent", "webp", "phone-camera mpo"],
)
def test_makes_a_jpeg_of_its_own_from_every_kind_of_picture(content):
    safe = clean(content)

    for made, longest in ((safe.read(), 2000), (safe.thumbnail, 480)):
        image = Image.open(BytesIO(made))
        image.load()
        assert image.format == "JPEG" and image.mode in ("RGB", "L") and max(image.size) <= longest
        assert abs(image.width / image.height - 1.5) < 0.01


def test_turns_the_picture_upright_and_drops_all_metadata():
    content = pictures.with_gps_and_comment()
    safe = clean(content)

    for made in (safe.read(), safe.thumbnail):
        image = Image.open(BytesIO(made))
        assert image.height > image.width
        assert not image.getexif() and not {"comment", "exif", "icc_profile"} & set(image.info)
        assert b"SECRET" not in made and b"Exif" not in made
    assert b"SECRETMAKER" in content and b"SECRETCOMMENT" in content


def test_drops_what_is_appended_to_a_picture():
    safe = clean(pictures.encoded() + b"<script>alert(1)</script>")

    assert b"<script>" not in safe.read()


def test_scales_a_large_picture_down_but_keeps_it_legible():
    safe = clean(pictures.encoded(pictures.picture((4000, 3000))))

    assert Image.open(safe).size == (2000, 1500)


def _png_that_claims(width, height):
    def chunk(kind, data):
        return len(data).to_bytes(4, "big") + kind + data + zlib.crc32(kind + data).to_bytes(4, "big")

    header = width.to_bytes(4, "big") + height.to_bytes(4, "big") + bytes([8, 2, 0, 0, 0])
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


def _animated():
    return pictures.encoded(format="WEBP", save_all=True, append_images=[pictures.picture(), pictures.picture()])


REFUSED = {
    "nothing": (b"", refusals.PHOTO_EMPTY),
    "text": (b"This is not a picture", refusals.PHOTO_TYPE),
    "script": (b"<svg xmlns='http://www.w3.org/2000/svg'/>", refusals.PHOTO_TYPE),
    "gif": (pictures.encoded(format="GIF"), refusals.PHOTO_TYPE),
    "tiff": (pictures.encoded(format="TIFF"), refusals.PHOTO_TYPE),
    "eps": (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 999 999\n{} loop", refusals.PHOTO_TYPE),
    "pdf": (b"%PDF-1.7\n" + b"x" * 100, refusals.PHOTO_PDF),
    "heic": (b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00", refusals.PHOTO_HEIC),
    "animation": (_animated(), refusals.PHOTO_ANIMATED),
    "truncated jpeg": (pictures.encoded()[:-2000], refusals.PHOTO_DAMAGED),
    "truncated png": (pictures.encoded(format="PNG")[:-2000], refusals.PHOTO_DAMAGED),
    "only a header": (pictures.encoded()[:30], refusals.PHOTO_DAMAGED),
    "small": (pictures.encoded(pictures.picture((470, 300))), refusals.PHOTO_TOO_SMALL),
    "narrow": (pictures.encoded(pictures.picture((900, 200))), refusals.PHOTO_TOO_SMALL),
    "many pixels": (_png_that_claims(6000, 6000), refusals.PHOTO_TOO_MANY_PIXELS),
    "bomb": (_png_that_claims(60_000, 60_000), refusals.PHOTO_TOO_MANY_PIXELS),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_refuses_with_a_sentence(kind):
    content, message = REFUSED[kind]

    with pytest.raises(ValidationError) as refusal:
        clean(content)

    assert refusal.value.messages == [str(message)]


def test_refuses_every_truncation_or_stores_a_whole_picture():
    content = pictures.encoded(pictures.picture((600, 400)))
    outcomes = set()
    for length in range(1, len(content), len(content) // 60):
        try:
            Image.open(clean(content[:length])).load()
            outcomes.add("stored")
        except ValidationError:
            outcomes.add("refused")

    assert outcomes == {"refused"}


def test_refuses_more_bytes_than_the_setting_allows(settings):
    settings.MAX_PHOTO_BYTES = 10_000

    with pytest.raises(ValidationError, match="smaller than 0.01MB") as refusal:
        clean(pictures.encoded())

    assert refusal.value.code == "too_large"


def test_a_clinic_may_narrow_the_formats(settings):
    settings.PHOTO_FORMATS = ["JPEG"]

    with pytest.raises(ValidationError):
        clean(pictures.encoded(format="PNG"))


def test_stores_under_a_random_name_with_nothing_else_able_to_read_it(stored_files):
    safe = clean(pictures.encoded())
    names = {storage.store(safe) for _ in range(2)}

    assert len(names) == 2 and len(stored_files()) == 4
    assert {file.stat().st_mode & 0o777 for file in stored_files()} == {0o600}


def test_stores_only_what_was_cleaned(stored_files):
    with pytest.raises(TypeError):
        storage.store(ContentFile(pictures.encoded()))

    assert stored_files() == []


def test_leaves_nothing_when_writing_fails(stored_files, monkeypatch):
    safe = clean(pictures.encoded())
    monkeypatch.setattr(safe, "chunks", lambda: (_ for _ in ()).throw(OSError(28, "No space left on device")))

    with pytest.raises(OSError):
        storage.store(safe)

    assert stored_files() == []
