from django.core.management.base import BaseCommand, CommandError

from patients.models import ApiToken


class Command(BaseCommand):
    help = "End every token of an API client, or of another user, at once."

    def add_arguments(self, parser):
        parser.add_argument("username", help="the client's name")

    def handle(self, *, username, **options):
        tokens = ApiToken.objects.filter(user__username=username)
        if not tokens:
            raise CommandError(f"{username} has no token")
        for token in tokens:
            token.revoke()
        self.stdout.write(f"{len(tokens)} revoked")
