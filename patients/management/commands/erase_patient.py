from django.core.management.base import BaseCommand, CommandError

from patients import numbers
from patients.models import Patient


class Command(BaseCommand):
    help = (
        "Erase a patient: the record, the photo, the messages and whatever else is about them. The audit keeps the "
        "number. A restored backup brings nobody back: see erase_again."
    )

    def add_arguments(self, parser):
        parser.add_argument("number", help="the patient number, as people write it")

    def handle(self, *, number, **options):
        patient = Patient.objects.numbered(numbers.normalize(number)).first()
        if patient is None:
            raise CommandError(f"There is no patient {number}. Check the number")
        patient.erase(by=None)
        self.stdout.write(f"{patient} was erased")
