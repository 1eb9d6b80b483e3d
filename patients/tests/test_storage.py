"""Photos at rest: encrypted, whole or not there, swept, under keys that can change."""

import os
import time
from datetime import timedelta

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import InMemoryStorage, default_storage
from django.core.management import CommandError, call_command
from django.urls import reverse
from django.utils import timezone

from patients.models import EmailTaken, Patient, PhotoDraft
from patients.photos import cleaning, encryption, storage

OLD_KEY, NEW_KEY = ("old", b"o" * 32), ("new", b"n" * 32)


@pytest.fixture
def safe(photo):
    return cleaning.clean(ContentFile(photo))


def age(file, hours):
    moment = time.time() - hours * 3600
    os.utime(file, (moment, moment))


def test_stores_under_a_random_name_readable_by_nobody_else(safe, stored_files):
    names = {storage.store(safe) for _ in range(2)}

    assert len(names) == 2 and len(stored_files()) == 4
    assert {file.stat().st_mode & 0o777 for file in stored_files()} == {0o600}
    assert {file.parent.stat().st_mode & 0o777 for file in stored_files()} == {0o700}


def test_stores_only_what_was_cleaned(photo, stored_files):
    with pytest.raises(TypeError):
        storage.store(ContentFile(photo))

    assert stored_files() == []


def test_no_picture_can_be_read_from_the_disk(safe, stored_files):
    name = storage.store(safe)

    for file in stored_files():
        content = file.read_bytes()
        assert content.startswith(b"PRP1") and b"JFIF\x00\x01" not in content
    safe.seek(0)
    assert storage.load(name, "").read() == safe.read()


def test_a_changed_or_exchanged_file_is_not_shown(safe, settings):
    one, two = storage.store(safe), storage.store(safe)
    (settings.MEDIA_ROOT / one).rename(settings.MEDIA_ROOT / two)
    with pytest.raises(encryption.Unreadable):
        default_storage.open(two)

    thumbnail = settings.MEDIA_ROOT / storage.thumbnail_name(two)
    thumbnail.write_bytes(thumbnail.read_bytes()[:-1] + b"x")
    with pytest.raises(encryption.Unreadable):
        default_storage.open(storage.thumbnail_name(two))
    for content in (b"", b"PRP1", b"PRP1\xff", b"\xff\xd8\xff"):
        thumbnail.write_bytes(content)
        with pytest.raises(encryption.Unreadable):
            default_storage.open(storage.thumbnail_name(two))


def test_another_storage_takes_the_files_place_by_a_setting(safe, settings, stored_files):
    settings.STORAGES = settings.STORAGES | {
        "photos at rest": {"BACKEND": "django.core.files.storage.InMemoryStorage"}
    }
    name = storage.store(safe)

    assert stored_files() == [] and storage.load(name, "").read().startswith(b"\xff\xd8\xff")
    storage.discard(name)
    assert not storage.is_whole(name)


class Unreachable(InMemoryStorage):
    """Fails as the storages of providers do, each with an exception of its own."""

    def _save(self, name, content):
        raise LookupError("no endpoint")


def test_a_storage_that_is_away_is_said_to_be(api, ana, settings):
    settings.STORAGES = settings.STORAGES | {"photos at rest": {"BACKEND": f"{__name__}.Unreachable"}}
    api.raise_request_exception = False

    answer = api.post_json(reverse("api:patients"), ana)

    assert answer.status_code == 503 and answer["Retry-After"]
    assert not Patient.objects.exists()


def test_what_is_decided_stands_when_the_storage_goes_away(
    registered, new_patient, receptionist, settings, monkeypatch
):
    def away(self, name):
        raise storage.StorageAway

    patient = registered()
    monkeypatch.setattr(storage.EncryptedStorage, "delete", away)
    with pytest.raises(EmailTaken):
        new_patient(email=patient.email).register(by=receptionist, source="form")
    patient.document_photo = new_patient().document_photo
    patient.correct(["document_photo"], by=receptionist)
    patient.erase(by=receptionist)

    assert not Patient.objects.exists() and patient.number in settings.ERASURES_FILE.read_text()


@pytest.mark.parametrize("failing", ["fsync", "rename"])
def test_leaves_nothing_when_writing_fails(failing, safe, stored_files, monkeypatch):
    def fail(*args):
        raise OSError(28, "No space left on device")

    target = "patients.photos.storage.os.fsync" if failing == "fsync" else "patients.photos.storage.Path.rename"
    monkeypatch.setattr(target, fail)
    with pytest.raises(OSError, match="No space"):
        storage.store(safe)

    assert stored_files() == []


def test_syncs_the_file_before_its_name_and_the_folder_after(safe, monkeypatch):
    deeds = []
    fsync, rename = os.fsync, storage.Path.rename
    monkeypatch.setattr(
        "patients.photos.storage.os.fsync",
        lambda descriptor: (deeds.append(os.path.isdir(f"/proc/self/fd/{descriptor}")), fsync(descriptor)),
    )
    monkeypatch.setattr(
        "patients.photos.storage.Path.rename", lambda path, other: (deeds.append("rename"), rename(path, other))
    )
    storage.store(safe)

    is_folder = True
    assert deeds == [not is_folder, "rename", is_folder, is_folder, not is_folder, "rename", is_folder]


def test_refuses_before_the_disk_is_so_full_that_nothing_else_works(
    desk, back_office, api, ana, upload, monkeypatch, stored_files, errors
):
    monkeypatch.setattr(storage, "FREE_BYTES_LEAST", 10**18)
    api.raise_request_exception = False

    page = desk.post("/patients/register/", ana | {"document_photo": upload()})
    answer = api.post_json("/api/v1/patients/", ana)

    assert page.status_code == answer.status_code == 507
    assert "disk is full" in errors(page)[0] and 'value="ana@example.org"' in page.content.decode()
    assert answer.json()["type"].endswith("/problems/storage-full")
    added = back_office.post("/admin/patients/patient/add/", ana | {"document_photo": upload()})
    assert "disk is full" in added.content.decode() and 'value="ana@example.org"' in added.content.decode()
    assert stored_files() == [] and not Patient.objects.exists()
    assert desk.get("/patients/").status_code == 200


def test_an_upload_for_which_there_is_no_room_is_let_go_at_once(api, ana, upload, monkeypatch):
    full = open("/dev/full", "wb", buffering=0)  # noqa: SIM115 — closed by what is tested
    monkeypatch.setattr("registration.uploads.tempfile.SpooledTemporaryFile", lambda **options: full)
    api.raise_request_exception = False

    answer = api.post("/api/v1/patients/", ana | {"document_photo": upload()})

    assert answer.status_code == 507 and full.closed


def test_keys_are_rotated_file_by_file(registered, desk, settings, stored_files, capsys):
    settings.PHOTO_KEYS = [OLD_KEY]
    patient = registered()
    registered(email="juan@example.org")
    settings.PHOTO_KEYS = [NEW_KEY, OLD_KEY]
    default_storage.reseal(patient.document_photo.name)  # as if stopped after the first

    call_command("rotate_photo_keys")

    assert "3 files encrypted anew under new; 0 left" in capsys.readouterr().out
    settings.PHOTO_KEYS = [NEW_KEY]
    assert {encryption.key_name(file.read_bytes()) for file in stored_files()} == {"new"}
    assert desk.get(f"/patients/{patient.display_number}/photo/").status_code == 200
    assert len(stored_files()) == 4


def test_a_lost_key_is_told_before_the_others_are_removed(registered, settings, capsys):
    settings.PHOTO_KEYS = [OLD_KEY]
    registered()
    settings.PHOTO_KEYS = [NEW_KEY]

    with pytest.raises(CommandError, match="2 files cannot be read"):
        call_command("rotate_photo_keys")


def test_orphans_are_swept_after_a_day_and_only_when_asked(registered, safe, stored_files, capsys):
    patient = registered()
    orphan = storage.store(safe)
    unfinished = stored_files()[0].parent / f".{orphan[3:]}.0a1b2c3d"
    unfinished.write_bytes(b"half a file")
    for file in stored_files():
        age(file, 25)
    fresh = storage.store(safe)

    call_command("sweep_photos")
    assert "3 files without a record to be removed with --delete" in capsys.readouterr().out
    assert len(stored_files()) == 7
    call_command("sweep_photos", "--delete")
    assert "3 files without a record removed" in capsys.readouterr().out

    assert storage.is_whole(patient.document_photo.name) and storage.is_whole(fresh)
    assert not unfinished.exists() and len(stored_files()) == 4


def test_a_record_without_its_photo_raises_the_alarm(registered, settings, caplog):
    patient = registered()
    registered(email="juan@example.org")
    (settings.MEDIA_ROOT / storage.thumbnail_name(patient.document_photo.name)).unlink()

    with pytest.raises(CommandError, match=patient.display_number):
        call_command("sweep_photos")

    assert "photos are missing" in caplog.text


def test_a_changed_photo_is_found_when_asked_to_look(registered, settings):
    patient = registered()
    file = settings.MEDIA_ROOT / patient.document_photo.name
    file.write_bytes(file.read_bytes()[:-1])

    call_command("sweep_photos")
    with pytest.raises(CommandError, match=patient.display_number):
        call_command("sweep_photos", "--verify")


def test_a_photo_removed_while_its_key_is_rotated_stays_removed(registered, receptionist, settings, stored_files):
    settings.PHOTO_KEYS = [OLD_KEY]
    patient = registered()
    settings.PHOTO_KEYS = [NEW_KEY, OLD_KEY]
    reseal = type(default_storage._wrapped).reseal

    def remove_meanwhile(self, name):
        done = reseal(self, name)
        if Patient.objects.exists():
            patient.erase(by=receptionist)
            self._save(name, ContentFile(b"written again"))
        return done

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(default_storage._wrapped), "reseal", remove_meanwhile)
        call_command("rotate_photo_keys")

    assert stored_files() == []


def test_other_things_on_the_disk_are_left_alone(settings, registered):
    registered()
    (settings.MEDIA_ROOT / "lost+found").mkdir(mode=0)

    call_command("sweep_photos", "--delete")

    assert (settings.MEDIA_ROOT / "lost+found").exists()


def test_expired_drafts_go_with_their_files(safe, receptionist, stored_files, capsys):
    for _ in range(2):
        PhotoDraft.keep(safe, by=receptionist, name="card.jpg", size=1)
    PhotoDraft.objects.filter(pk=PhotoDraft.objects.first().pk).update(
        created_at=timezone.now() - PhotoDraft.LIFETIME - timedelta(seconds=1)
    )

    call_command("sweep_photos")

    assert "1 drafts expired" in capsys.readouterr().out
    assert PhotoDraft.objects.count() == 1 and len(stored_files()) == 2
