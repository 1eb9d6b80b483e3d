from pathlib import Path

from django.core.management.base import BaseCommand, CommandError

from patients.models import Patient


class Command(BaseCommand):
    help = (
        "After a backup was restored: erase again whom it brought back, by ERASURES_FILE and by copies of it that are "
        "named here. The mailworker does the same every ten minutes, without copies."
    )

    def add_arguments(self, parser):
        parser.add_argument("copies", nargs="*", type=Path, help="copies of the file, kept elsewhere")

    def handle(self, *, copies, **options):
        if missing := [str(copy) for copy in copies if not copy.is_file()]:
            raise CommandError(f"There is no file {', '.join(missing)}")
        self.stdout.write(f"{Patient.erase_again(*copies)} patients erased again")
