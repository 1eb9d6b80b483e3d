"""What sealing the audit in one chain costs: registrations a second with the chain and with plain rows, in one run.

    DATABASE_URL=mysql://… .venv/bin/python benchmarks/audit.py [--processes 8] [--rounds 7]

Run it against a database made for this: `manage.py migrate` first; it leaves its patients there. Rounds of both kinds
alternate; printed are the medians, their ratio, and the noise: the ratio of plain rounds to plain rounds.
"""

import argparse
import multiprocessing
import os
import statistics
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "registration.settings")

import django  # noqa: E402

django.setup()

from django.core.files.base import ContentFile  # noqa: E402
from django.db import connection, models  # noqa: E402
from django.utils import timezone  # noqa: E402

from patients.models import AuditEvent, Patient  # noqa: E402
from patients.photos import cleaning  # noqa: E402
from patients.photos.cleaning import SafePhoto  # noqa: E402
from patients.tests import pictures  # noqa: E402

chained = AuditEvent.record_each.__func__


def plain(cls, action, *, by, patients, detail=""):
    """The same rows without seal and order; their keys count down from where no chain ever comes."""
    for patient in patients:
        key = -time.time_ns() - os.getpid()
        event = cls(pk=key, at=timezone.now(), action=action, patient_number=patient.number, detail=detail)
        models.QuerySet(cls).bulk_create([event])


def registrations_a_second(record_each, photo, processes, each):
    AuditEvent.record_each = classmethod(record_each)
    name = f"{time.time_ns()}"

    def work(process):
        for count in range(each):
            patient = Patient(full_name="Ana", email=f"{name}.{process}.{count}@example.org", phone="+12025550123")
            patient.document_photo = SafePhoto(*photo, name + f"{process}{count}"[:20])
            patient.register(by=None, source=Patient.Source.API)

    connection.close()  # each process has its own
    workers = [multiprocessing.get_context("fork").Process(target=work, args=[number]) for number in range(processes)]
    started = time.perf_counter()
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return processes * each / (time.perf_counter() - started)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--processes", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--each", type=int, default=25, help="registrations of each process in each round")
    options = parser.parse_args()
    safe = cleaning.clean(ContentFile(pictures.encoded()))
    photo = (safe.read(), safe.thumbnail)
    found = {"chained": [], "plain": [], "plain again": []}
    for number in range(options.rounds + 1):
        for kind, record_each in (("chained", chained), ("plain", plain), ("plain again", plain)):
            speed = registrations_a_second(record_each, photo, options.processes, options.each)
            if number:  # the first round warms up
                found[kind].append(speed)
    median = {kind: statistics.median(speeds) for kind, speeds in found.items()}
    for kind, speed in median.items():
        print(f"{kind:12} {speed:8.1f} registrations/s")
    print(f"chained / plain  {median['chained'] / median['plain']:.2f}")
    print(f"noise            {median['plain again'] / median['plain']:.2f}")


if __name__ == "__main__":
    main()
