"""Where photos are kept: private, under random names, on disk before anything refers to them."""

import os
import secrets
from pathlib import Path

from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage, default_storage

from patients.photos.cleaning import SafePhoto


class PhotoStorage(FileSystemStorage):
    """Files that survive a crash the moment save() returns, readable by this service alone."""

    def __init__(self):
        super().__init__(file_permissions_mode=0o600, directory_permissions_mode=0o700)

    def url(self, name):
        raise NotImplementedError("Photos have no URL: patients.views.photo asks for permission first")

    def _save(self, name, content):
        path = Path(self.path(name))
        new_folder = not path.parent.is_dir()
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        aside = path.with_name(f".{path.name}.part")
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


def store(photo):
    """Write a SafePhoto and its thumbnail under a new random name and return the name; both or neither stay."""
    if not isinstance(photo, SafePhoto):
        raise TypeError("Only a SafePhoto, made by cleaning.clean(), may be stored")
    stem = secrets.token_hex(16)
    name = f"{stem[:2]}/{stem}.jpg"
    try:
        default_storage.save(thumbnail_name(name), ContentFile(photo.thumbnail))
        default_storage.save(name, photo)
    except BaseException:
        discard(name)
        raise
    return name


def discard(name):
    """Remove a photo and its thumbnail, as far as they are there."""
    default_storage.delete(name)
    default_storage.delete(thumbnail_name(name))


def thumbnail_name(name):
    return name.removesuffix(".jpg") + "-thumbnail.jpg"
