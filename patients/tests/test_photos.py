import hmac
import os
import struct
import zlib
from io import BytesIO

import pytest
from django.core.exceptions import ValidationError
from django.core.files.base import ContentFile
from PIL import Image, ImageChops, ImageDraw, ImageFilter, ImageStat

from patients.photos import cleaning, refusals
from patients.tests import hostile, pictures


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


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_turns_the_picture_clockwise_by_as_many_quarters_as_asked(turns):
    image = Image.new("RGB", (900, 600), "white")
    image.paste(pictures.picture((450, 300)), (0, 0))  # in the corner at the top left
    safe = cleaning.clean(ContentFile(pictures.encoded(image)), turns=turns)

    for made in (safe.read(), safe.thumbnail):
        turned = Image.open(BytesIO(made)).convert("L")
        width, height = turned.size
        left, upper = {1: (0.5, 0), 2: (0.5, 0.5), 3: (0, 0.5)}[turns]
        box = (int(left * width), int(upper * height), int((left + 0.5) * width), int((upper + 0.5) * height))
        assert (width > height) is (turns == 2)
        assert ImageStat.Stat(turned.crop(box)).mean[0] < 240
        turned.paste("white", box)
        assert ImageStat.Stat(turned).mean[0] > 250


def test_drops_what_is_appended_to_a_picture():
    safe = clean(pictures.encoded() + b"<script>alert(1)</script>")

    assert b"<script>" not in safe.read()


def test_scales_a_large_picture_down_but_keeps_it_legible():
    safe = clean(pictures.encoded(pictures.picture((4000, 3000))))

    assert Image.open(safe).size == (2000, 1500)


def _animated():
    return pictures.encoded(format="WEBP", save_all=True, append_images=[pictures.picture(), pictures.picture()])


TYPE = "The selected file must be a JPG, PNG or WebP"
REFUSED = {
    "nothing": (b"", refusals.PHOTO_EMPTY),
    "text": (b"This is not a picture", TYPE),
    "script": (b"<svg xmlns='http://www.w3.org/2000/svg'/>", TYPE),
    "gif": (pictures.encoded(format="GIF"), TYPE),
    "tiff": (pictures.encoded(format="TIFF"), TYPE),
    "eps": (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 999 999\n{} loop", TYPE),
    "pdf": (b"%PDF-1.7\n" + b"x" * 100, refusals.PHOTO_PDF),
    "heic": (b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00", refusals.PHOTO_HEIC),
    "animation": (_animated(), refusals.PHOTO_ANIMATED),
    "truncated jpeg": (pictures.encoded()[:-2000], refusals.PHOTO_DAMAGED),
    "truncated png": (pictures.encoded(format="PNG")[:-2000], refusals.PHOTO_DAMAGED),
    "only a header": (pictures.encoded()[:30], refusals.PHOTO_DAMAGED),
    "small": (pictures.encoded(pictures.picture((470, 300))), refusals.PHOTO_TOO_SMALL),
    "narrow": (pictures.encoded(pictures.picture((900, 200))), refusals.PHOTO_TOO_SMALL),
    "many pixels": (hostile.png_that_claims(6000, 6000), refusals.PHOTO_TOO_MANY_PIXELS),
    "bomb": (hostile.png_that_claims(60_000, 60_000), refusals.PHOTO_TOO_MANY_PIXELS),
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


def test_reads_heic():
    safe = clean(hostile.HEIC)

    made = safe.read()
    assert Image.open(BytesIO(made)).size == (640, 427) and b"SECRETMAKER" not in made
    assert b"SECRETMAKER" in hostile.HEIC


def test_says_what_to_do_about_a_heic_that_cannot_be_read(settings):
    for content in (hostile.HEIC[:-9000], hostile.HEIC[:60]):
        with pytest.raises(ValidationError, match="iPhone HEIC photo"):
            clean(content)
    settings.PHOTO_FORMATS = ["JPEG"]
    with pytest.raises(ValidationError, match="iPhone HEIC photo"):
        clean(hostile.HEIC)


def test_keeps_small_print_sharp():
    safe = clean(pictures.encoded(pictures.picture((2000, 1333)), quality=95))

    before = pictures.picture((2000, 1333)).convert("L").crop((250, 222, 900, 420))
    after = Image.open(safe).convert("L").crop((250, 222, 900, 420))
    difference = ImageStat.Stat(ImageChops.difference(before, after)).mean[0]
    assert difference < 3


@pytest.mark.parametrize(
    "image",
    [
        Image.new("RGB", (900, 600), "white"),
        Image.new("RGB", (900, 600), (3, 3, 3)),
        pictures.picture().filter(ImageFilter.GaussianBlur(16)),
    ],
    ids=["one colour", "black", "no detail at all"],
)
def test_refuses_what_nobody_could_read(image):
    with pytest.raises(ValidationError, match="too dark or too blurred"):
        clean(pictures.encoded(image, quality=90))


def test_warns_of_what_is_hard_to_read():
    sharp = pictures.picture()

    assert not clean(pictures.encoded(sharp)).hard_to_read
    assert clean(pictures.encoded(sharp.filter(ImageFilter.GaussianBlur(4)))).hard_to_read
    assert clean(pictures.encoded(sharp.point(lambda value: value // 8))).hard_to_read


@pytest.mark.parametrize("ground", ["white", "black"])
def test_sees_a_blurred_document_whatever_it_lies_on(ground):
    scan = Image.new("RGB", (1400, 1000), ground)
    scan.paste(pictures.picture(), (250, 200))

    assert not clean(pictures.encoded(scan)).hard_to_read
    assert clean(pictures.encoded(scan.filter(ImageFilter.GaussianBlur(5)))).hard_to_read
    with pytest.raises(ValidationError, match="too dark or too blurred"):
        clean(pictures.encoded(scan.filter(ImageFilter.GaussianBlur(16)), quality=90))


def test_knows_the_same_file_again_by_a_keyed_hash(settings):
    content = pictures.encoded()
    settings.PHOTO_FINGERPRINT_KEY = "one"
    first = clean(content).fingerprint
    assert first == hmac.new(b"one", content, "sha256").hexdigest()

    assert first == clean(content).fingerprint != clean(pictures.encoded()).fingerprint
    settings.PHOTO_FINGERPRINT_KEY = "two"
    assert clean(content).fingerprint != first


def test_what_is_transparent_becomes_white():
    card = pictures.picture(mode="RGBA")
    card.putalpha(Image.new("L", card.size, 255))
    card.paste((0, 0, 0, 0), (0, 0, 450, 600))

    assert Image.open(clean(pictures.encoded(card, "PNG"))).getpixel((100, 300)) == (255, 255, 255)


def test_sixteen_bits_of_grey_stay_a_picture():
    grey = pictures.picture(mode="L")
    deep = grey.convert("I").point(lambda value: value * 257).convert("I;16")

    made = Image.open(clean(pictures.encoded(deep, "PNG"))).convert("L")
    assert ImageStat.Stat(ImageChops.difference(made, grey)).mean[0] < 12


@pytest.mark.parametrize("orientation", range(1, 9))
def test_turns_every_orientation_upright(orientation):
    upright = Image.new("RGB", (900, 600), "white")
    upright.paste((255, 0, 0), (0, 0, 450, 300))
    upright.paste(pictures.picture((400, 250)), (480, 320))
    back = {turn: back for turn, back in zip((2, 3, 4, 5, 6, 7, 8), (0, 3, 1, 5, 2, 6, 4), strict=True)}
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored = upright.transpose(Image.Transpose(back[orientation])) if orientation > 1 else upright

    made = Image.open(clean(pictures.encoded(stored, exif=exif, quality=95)))
    red, _, blue = made.getpixel((100, 100))
    assert made.size == (900, 600) and red > 200 and blue < 60


def test_nonsense_in_exif_costs_no_picture():
    for exif in (b"Exif\0\0nonsense", b"Exif\0\0II*\0\x08\0\0\0\xff\xff" + b"\xff" * 200):
        assert clean(pictures.encoded(exif=exif)).read()
    odd = Image.Exif()
    odd[0x0112], odd[0x010F] = 6, "x"
    content = bytearray(pictures.encoded(exif=odd))
    at = content.index(b"\x0f\x01\x02\x00") if b"\x0f\x01\x02\x00" in content else content.index(b"\x01\x0f\x00\x02")
    content[at + 2 : at + 4] = b"\x0c\x00"  # a text that says that it is a number
    assert clean(bytes(content)).read()


@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
def test_refuses_a_cut_that_was_given_an_end(mode, progressive):
    content = pictures.encoded(pictures.picture((1200, 800)).convert(mode), progressive=progressive)
    assert clean(content).read()

    for share in (0.2, 0.5, 0.8, 0.99):
        with pytest.raises(ValidationError, match="may be damaged"):
            clean(content[: int(len(content) * share)] + b"\xff\xd9")


@pytest.mark.parametrize("version", [b"\1", b"\2"], ids=["JFIF 1", "JFIF of another age"])
def test_refuses_a_jpeg_with_a_hole(version):
    content = pictures.encoded().replace(b"JFIF\0\1", b"JFIF\0" + version, 1)
    assert clean(content).read()

    with pytest.raises(ValidationError, match="may be damaged"):
        clean(content[:-9000] + content[-4000:])


def test_takes_a_picture_whose_colour_profile_is_broken():
    content = pictures.encoded(icc_profile=os.urandom(3000))
    at = content.index(b"ICC_PROFILE\0")

    for part in (b"\2\3", b"\0\0"):
        assert clean(content[: at + 12] + part + content[at + 14 :]).read()


def test_reads_a_card_on_a_scanned_page():
    card = Image.new("L", (1011, 638), "white")
    lines = ["IDENTITY CARD", "GIVEN NAMES ANNA MARIA", "P<UTOERIKSSON<<ANNA<MARIA<<<<<<"] * 4
    ImageDraw.Draw(card).text((60, 60), "\n".join(lines), fill="black", font_size=34)
    for place in ((20, 20), (734, 1250), (1400, 2400)):
        page = Image.new("L", (2480, 3508), "white")
        page.paste(card, place)
        assert not clean(pictures.encoded(page)).hard_to_read


def test_refuses_a_file_whose_end_was_never_written():
    webp = pictures.encoded(pictures.picture((1800, 1200)), "WEBP", quality=95)
    for content in (webp, hostile.HEIC):
        assert clean(content).read()
        with pytest.raises(ValidationError, match="may be damaged|as JPG"):
            clean(content[: len(content) // 2] + bytes(len(content) - len(content) // 2))


def test_takes_what_cameras_write_and_a_margin_of_any_grey():
    card = pictures.picture()
    card.paste((128, 128, 128), (0, 500, 900, 600))
    content = pictures.encoded(card)

    for honest in (content, content[:-2] + bytes(8) + content[-2:], content.replace(b"JFIF\0\1", b"JFIF\0\3", 1)):
        assert clean(honest).read()


@pytest.mark.parametrize("interlaced", [0, 1])
@pytest.mark.parametrize(
    ("depth", "colour", "bits"), [(1, 0, 1), (4, 3, 4), (8, 0, 8), (8, 2, 24), (8, 6, 32), (16, 4, 32)]
)
def test_refuses_a_png_that_lacks_a_row(depth, colour, bits, interlaced):
    width, height = 523, 331
    steps = [(0, 8, 0, 8), (4, 8, 0, 8), (0, 4, 4, 8), (2, 4, 0, 4), (0, 2, 2, 4), (1, 2, 0, 2), (0, 1, 1, 2)]
    rows = []
    for left, across, top, down in steps if interlaced else [(0, 1, 0, 1)]:
        across = len(range(left, width, across))
        rows += [b"\0" + os.urandom((across * bits + 7) // 8) for _row in range(top, height, down)]
    header = (b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, interlaced))

    def of(rows):
        packed = zlib.compress(b"".join(rows))
        pieces = [(b"IDAT", packed[:9000]), (b"IDAT", packed[9000:])]
        return hostile.png(header, (b"PLTE", os.urandom(48)), *pieces, (b"IEND", b""))

    assert clean(of(rows)).read()
    with pytest.raises(ValidationError, match="may be damaged"):
        clean(of(rows[:-1]))
