import re

from django.core.management.base import BaseCommand, CommandError

from patients.models import AuditEvent, AuditHead


class Command(BaseCommand):
    help = (
        "Say which audit events were changed or removed since they were written, and end with 1 if any was. Otherwise "
        "prints the end of the chain: note it somewhere else, and --expect it the next time."
    )

    def add_arguments(self, parser):
        parser.add_argument("--expect", metavar="END", help="the end of the chain as it was printed before")

    def handle(self, *, expect, **options):
        if expect and not re.fullmatch(r"\d+:\S+:[0-9a-f]{64}", expect):
            raise CommandError("--expect must be what this command printed before, like 1204:1a2b3c4d:0f…")
        end = AuditHead.objects.filter(pk=1).first() or AuditHead()
        if findings := list(AuditEvent.verify(expect)):
            raise CommandError("\n".join(findings))
        self.stdout.write(f"Every event is as it was written. The end of the chain: {end}")
