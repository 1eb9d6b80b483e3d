from datetime import timedelta

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError
from knox.models import AuthToken


class Command(BaseCommand):
    help = "Make a token for the JSON API and print it, this once."

    def add_arguments(self, parser):
        parser.add_argument("username", help="whose permissions the token has: one user per integration")
        parser.add_argument("--days", type=int, default=365, help="how long the token is valid (365)")

    def handle(self, *, username, days, **options):
        if not 1 <= days <= 3650:
            raise CommandError("--days must be from 1 to 3650")
        user = get_user_model().objects.filter(username=username).first()
        if user is None:
            raise CommandError(f"There is no user {username}. Make one in the admin, under Users")
        if not user.is_active:
            raise CommandError(f"The user {username} is deactivated")
        _, token = AuthToken.objects.create(user, expiry=timedelta(days=days))
        self.stdout.write(token)
