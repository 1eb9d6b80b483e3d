"""Where photos are kept: private, encrypted, under random names, on disk before anything refers to them."""

import errno
import logging
import os
import re
import secrets
import shutil
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage, Storage, default_storage, storages
from django.utils import timezone

from patients.photos import encryption
from patients.photos.cleaning import SafePhoto

logger = logging.getLogger(__name__)
FREE_BYTES_LEAST, FREE_SHARE_LEAST = 200_000_000, 0.05
_FOLDER = re.compile(r"[0-9a-f]{2}")


class StorageAway(ConnectionError):
    """The photos are kept elsewhere, and that can't be reached or refuses."""


class DurableStorage(FileSystemStorage):
    """Files that survive a crash the moment save() returns, readable by this service's user alone."""

    def __init__(self):
        super().__init__(file_permissions_mode=0o600, directory_permissions_mode=0o700)

    def _save(self, name, content):
        path = Path(self.path(name))
        new_folder = not path.parent.is_dir()
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        aside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
        try:
            with open(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                for chunk in content.chunks():
                    file.write(chunk)
                file.flush()
                os.fsync(file.fileno())
            aside.rename(path)
        except BaseException:
            aside.unlink(missing_ok=True)
            raise
        _sync_folder(path.parent)
        if new_folder:
            _sync_folder(path.parent.parent)
        return name


def _sync_folder(folder):
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class EncryptedStorage(Storage):
    """Encrypts what it passes on to the storage of another alias: files here, S3 elsewhere (settings.STORAGES).

    Raises StorageAway for what only a storage elsewhere raises.
    """

    def __init__(self, at_rest="photos at rest"):
        self.alias = at_rest

    @contextmanager
    def _at_rest(self):
        try:
            yield storages[self.alias]
        except OSError:
            raise
        except Exception as error:  # each provider's library has exceptions of its own
            raise StorageAway(type(error).__name__) from error

    def _open(self, name, mode="rb"):
        return ContentFile(encryption.unseal(name, self._sealed(name)), name)

    def _sealed(self, name):
        with self._at_rest() as at_rest, at_rest.open(name) as file:
            return file.read()

    def _save(self, name, content):
        sealed = ContentFile(encryption.seal(name, content.read()))
        with self._at_rest() as at_rest:
            # Not the other storage's save(): it might choose another name, and the name is part of the seal. It also
            # takes an existing file's place in one step, which is how the keys are rotated.
            return at_rest._save(name, sealed)

    def reseal(self, name):
        """Encrypt a file anew under the current key; return whether it was under another."""
        sealed = self._sealed(name)
        if encryption.key_name(sealed) == settings.PHOTO_KEYS[0][0]:
            return False
        self._save(name, ContentFile(encryption.unseal(name, sealed)))
        return True

    def exists(self, name):
        with self._at_rest() as at_rest:
            return at_rest.exists(name)

    def delete(self, name):
        with self._at_rest() as at_rest:
            at_rest.delete(name)

    def listdir(self, path):
        with self._at_rest() as at_rest:
            return at_rest.listdir(path)

    def size(self, name):
        with self._at_rest() as at_rest:
            return at_rest.size(name)

    def get_modified_time(self, name):
        with self._at_rest() as at_rest:
            return at_rest.get_modified_time(name)

    def url(self, name):
        raise NotImplementedError("Photos have no URL: serving.photo_response() shows them, to those who may")


def has_room():
    """Whether the photos' disk has more than max(200 MB, 5 %) free."""
    usage = shutil.disk_usage(settings.MEDIA_ROOT)
    return usage.free > max(FREE_BYTES_LEAST, usage.total * FREE_SHARE_LEAST)


def is_no_space(error):
    """Whether an OSError says that a disk or a quota is full."""
    return error.errno in (errno.ENOSPC, errno.EDQUOT)


def store(photo):
    """Write a SafePhoto and its thumbnail under a new random name and return the name; both or neither stay.

    Raises OSError (ENOSPC) while there is too little room, before the disk is so full that nothing else works.
    """
    if not isinstance(photo, SafePhoto):
        raise TypeError("Only a SafePhoto, made by cleaning.clean(), may be stored")
    if not has_room():
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    stem = secrets.token_hex(16)
    name = f"{stem[:2]}/{stem}.jpg"
    try:
        default_storage.save(thumbnail_name(name), ContentFile(photo.thumbnail))
        photo.seek(0)
        default_storage.save(name, photo)
    except BaseException:
        discard(name)
        raise
    return name


def load(name, fingerprint):
    """Return the SafePhoto that store() wrote under this name."""
    with default_storage.open(name) as picture, default_storage.open(thumbnail_name(name)) as thumbnail:
        return SafePhoto(picture.read(), thumbnail.read(), fingerprint)


def discard(name):
    """Remove a photo and its thumbnail, as far as they are there.

    Where the storage is away they are left to the sweeper: what has been decided about their record stands.
    """
    try:
        default_storage.delete(name)
        default_storage.delete(thumbnail_name(name))
    except OSError as error:
        logger.warning("a photo is left to the sweeper", extra={"reason": type(error).__name__})


def thumbnail_name(name):
    return f"{name.removesuffix('.jpg')}-thumbnail.jpg"


def names_older_than(age: timedelta):
    """Yield, folder by folder, the names of the files written before so long ago."""
    before = timezone.now() - age
    for folder in sorted(default_storage.listdir("")[0]):
        if _FOLDER.fullmatch(folder):  # not what else may stand on a disk, such as lost+found
            names = (f"{folder}/{file}" for file in sorted(default_storage.listdir(folder)[1]))
            yield [name for name in names if _was_written_before(before, name)]


def _was_written_before(moment, name):
    try:
        return default_storage.get_modified_time(name) < moment
    except FileNotFoundError:  # removed since the folder was listed
        return False


def photo_name(name):
    """Return the name of the photo to which a file, perhaps a thumbnail or one never finished, belongs."""
    return name.replace("-thumbnail.jpg", ".jpg")


def is_whole(name):
    """Whether the photo and its thumbnail are there."""
    return default_storage.exists(name) and default_storage.exists(thumbnail_name(name))


def is_readable(name):
    """Whether the photo and its thumbnail are there and were not changed."""
    try:
        load(name, "")
    except (FileNotFoundError, encryption.Unreadable):
        return False
    return True
