import random
import secrets
import sys
import time
from datetime import timedelta
from itertools import islice

from django.core.files.base import ContentFile
from django.core.management.base import BaseCommand, CommandError
from django.db import connection, transaction
from django.utils import timezone
from PIL import Image, ImageDraw

from patients import made_up, numbers, validators
from patients.models import FormerNumber, Message, Patient, SearchKey
from patients.models.message import new_message_id
from patients.photos import cleaning, storage

BATCH = 2000
PHOTOS = 12
_INSERT_KEYS = "INSERT INTO patients_searchkey (patient_id, `key`, era, signature) VALUES (%s, %s, %s, %s)"
SPREAD = timedelta(days=6 * 365)  # over which they seem to have been registered


class Command(BaseCommand):
    help = (
        "Fill the database with patients who don't exist, to try the service with many. They have names of several "
        "scripts, addresses and numbers that reach nobody, a confirmation that counts as sent, and one of a dozen "
        "pictures, kept like any photo. Nothing is sent, and nothing written to the audit: nobody did anything."
    )

    def add_arguments(self, parser):
        parser.add_argument("count", type=int)
        parser.add_argument(
            "--among-patients", action="store_true", help="even though there are patients, who may be real"
        )
        parser.add_argument("--seed", type=int, default=1, help="another number makes other people")

    def handle(self, *, count, among_patients, seed, **options):
        if Patient.objects.exists() and not among_patients:
            raise CommandError(
                "There are patients, who may be real: made-up ones among them could not be told apart. Use an empty "
                "database, or say --among-patients"
            )
        chance = random.Random(seed)  # noqa: S311 — people are drawn, not secrets
        photos = [storage.store(cleaning.clean(_document(number))) for number in range(PHOTOS)]
        newest = Patient.objects.order_by("-pk").first()
        first, started = newest.pk + 1 if newest else 1, time.monotonic()
        people, now = made_up.people(chance, first), timezone.now()
        for start in range(0, count, BATCH):
            batch = list(islice(people, min(BATCH, count - start)))
            times = (now - SPREAD * (1 - (start + index) / count) for index in range(len(batch)))
            patients = [
                Patient(
                    pk=first + start + index,
                    number=number,
                    email_key=validators.email_key(values["email"]),
                    document_photo=chance.choice(photos),
                    photo_fingerprint=secrets.token_hex(32),
                    language=chance.choice(["en", "es"]),
                    registered_at=at,
                    document_seen_at=at,
                    source=chance.choices(Patient.Source.values, [90, 9, 1])[0],
                    **values,
                )
                for index, (values, number, at) in enumerate(zip(batch, _new_numbers(len(batch)), times, strict=True))
            ]
            self._insert(patients, chance)
            self._show_progress(start + len(batch), count, time.monotonic() - started)

    def _insert(self, patients, chance):
        """Write what register() writes of each, but for the job and the audit event, many at a time."""
        messages = [
            Message(
                patient=patient,
                channel="email",
                status="failed" if (has_failed := chance.random() < 0.002) else "sent",
                failure="answered 550" if has_failed else "",
                attempts=1,
                created_at=patient.registered_at,
                last_attempt_at=patient.registered_at,
                next_attempt_at=None,
                sent_at=None if has_failed else patient.registered_at,
                message_id=new_message_id(),
            )
            for patient in patients
        ]
        with transaction.atomic():
            Patient.objects.bulk_create(patients)
            Message.objects.bulk_create(messages)
            with connection.cursor() as cursor:  # a dozen rows for each patient: objects would take most of the time
                cursor.executemany(_INSERT_KEYS, [row for patient in patients for row in SearchKey.rows_of(patient)])

    def _show_progress(self, done, count, seconds):
        width = 40
        bar = "#" * (width * done // count)
        left = seconds / done * (count - done)
        line = f"[{bar:<{width}}] {done:,} of {count:,}, {left / 60:.0f} min left"
        self.stderr.write(f"\r{line:<90}", ending="\n" if done == count else "")
        sys.stderr.flush()


def _new_numbers(count):
    """Return patient numbers that nobody has, or had."""
    found = {numbers.new() for _ in range(count)}
    for taken in (Patient.objects, FormerNumber.objects):
        found -= set(taken.filter(number__in=found).values_list("number", flat=True))
    return list(found) + (_new_numbers(count - len(found)) if len(found) < count else [])


def _document(number):
    """Return a picture of a made-up identity document."""
    image = Image.effect_noise((900, 570), 40).convert("RGB")
    draw = ImageDraw.Draw(image)
    tint = [(233, 240, 247), (240, 247, 233), (247, 238, 233), (240, 235, 247)][number % 4]
    draw.rounded_rectangle((40, 40, 860, 530), 24, fill=tint, outline="black", width=2)
    draw.rectangle((80, 150, 300, 430), fill=(150, 160, 170))
    draw.ellipse((140, 190, 240, 310), fill=(225, 205, 190))
    draw.ellipse((105, 320, 275, 520), fill=(90, 100, 120))
    draw.rectangle((80, 430, 300, 525), fill=tint)
    draw.text((80, 70), "SPECIMEN - IDENTITY CARD", fill="black", font_size=40)
    draw.text((340, 170), f"NO. {number:06}\n\nMADE UP\nFOR TRIALS", fill="black", font_size=36)
    file = ContentFile(b"")
    image.save(file, "JPEG")
    file.size = file.tell()
    return file
