from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError

from patients.models import ApiToken


class Command(BaseCommand):
    help = "Make a token for the JSON API and print it, this once."

    def add_arguments(self, parser):
        parser.add_argument("username", help="whose permissions the token has: one user per integration")
        parser.add_argument(
            "--days", type=int, default=ApiToken.DAYS, help=f"how long the token is valid ({ApiToken.DAYS})"
        )

    def handle(self, *, username, days, **options):
        if not 1 <= days <= ApiToken.DAYS_MOST:
            raise CommandError(f"--days must be from 1 to {ApiToken.DAYS_MOST}")
        user = get_user_model().objects.filter(username=username).first()
        if user is None:
            raise CommandError(f"There is no user {username}. Make an API client: manage.py create_api_client")
        if not user.is_active:
            raise CommandError(f"The user {username} is deactivated")
        self.stdout.write(ApiToken.issue(user, days=days))
