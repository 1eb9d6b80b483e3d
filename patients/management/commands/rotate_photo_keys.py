from django.conf import settings
from django.core.files.storage import default_storage
from django.core.management.base import BaseCommand, CommandError

from patients.models import Patient, PhotoDraft
from patients.photos import storage
from patients.photos.encryption import Unreadable


class Command(BaseCommand):
    help = (
        "Encrypt every photo anew under the first of PHOTO_KEYS. Every web process and worker must know that key "
        "first: restart them. May be stopped and started again: what is done is passed over. When it ends without an "
        "error, the other keys can be removed."
    )

    def handle(self, **options):
        done, failed = 0, 0
        for model, field in ((Patient, "document_photo"), (PhotoDraft, "photo")):
            for photo in model.objects.exclude(**{field: ""}).order_by("pk").values_list(field, flat=True).iterator():
                for name in (photo, storage.thumbnail_name(photo)):
                    try:
                        done += default_storage.reseal(name)
                    except FileNotFoundError:
                        # Replaced or removed since the list was read, or missing: sweep_photos tells which.
                        continue
                    except Unreadable:
                        failed += 1
                if not model.objects.filter(**{field: photo}).exists():
                    storage.discard(photo)  # removed meanwhile, and perhaps written again here
        self.stdout.write(f"{done} files encrypted anew under {settings.PHOTO_KEYS[0][0]}; {failed} left")
        if failed:
            raise CommandError(f"{failed} files cannot be read with any of PHOTO_KEYS. Keep every key, find theirs")
