import logging
from datetime import timedelta

from django.core.files.storage import default_storage
from django.core.management.base import BaseCommand, CommandError

from patients.models import Patient, PhotoDraft
from patients.photos import storage

ORPHAN_AGE = timedelta(hours=24)

logger = logging.getLogger(__name__)


class Command(BaseCommand):
    help = (
        "Find photos that belong to no record (older than 24 hours, since a registration under way has not written "
        "its record yet) and records whose photo is not there. Drafts older than an hour are removed, and with "
        "--delete those photos. Exits with 1 when a record's photo is missing or, with --verify, cannot be read."
    )

    def add_arguments(self, parser):
        parser.add_argument("--delete", action="store_true", help="remove them; without it they are only counted")
        parser.add_argument("--verify", action="store_true", help="also decrypt every photo, which takes its time")

    def handle(self, *, delete, verify, **options):
        is_well = storage.is_readable if verify else storage.is_whole
        drafts = PhotoDraft.drop_expired()
        orphans = sum(self._sweep(names, delete) for names in storage.names_older_than(ORPHAN_AGE))
        missing = [
            patient.display_number
            for patient in Patient.objects.exclude(document_photo="").only("number", "document_photo").iterator()
            if not is_well(patient.document_photo.name) and not self._was_corrected(patient)
        ]
        done = "removed" if delete else "to be removed with --delete"
        self.stdout.write(f"{drafts} drafts expired; {orphans} files without a record {done}")
        if missing:
            logger.error("photos are missing", extra={"count": len(missing)})
            raise CommandError(f"{len(missing)} records without their photo: {', '.join(missing[:20])}")

    def _was_corrected(self, patient):
        """Whether the record has another photo by now, or is gone."""
        return not Patient.objects.filter(pk=patient.pk, document_photo=patient.document_photo.name).exists()

    def _sweep(self, names, delete):
        """Remove the names that nothing refers to, and return how many there are."""
        photos = {storage.photo_name(name) for name in names}
        kept = set(Patient.objects.filter(document_photo__in=photos).values_list("document_photo", flat=True))
        kept |= set(PhotoDraft.objects.filter(photo__in=photos).values_list("photo", flat=True))
        orphans = [name for name in names if storage.photo_name(name) not in kept]
        if delete:
            for name in orphans:
                default_storage.delete(name)
        return len(orphans)
