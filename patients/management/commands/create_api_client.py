from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from patients.models import Client
from patients.roles import SCOPES


class Command(BaseCommand):
    help = "Make an API client, another system of the clinic. create_api_token then makes a token for it."

    def add_arguments(self, parser):
        parser.add_argument("name", help="of the system")
        parser.add_argument("scopes", nargs="+", choices=SCOPES, metavar="scope", help=f"of {', '.join(SCOPES)}")

    def handle(self, *, name, scopes, **options):
        users = get_user_model()
        try:
            users.username_validator(name)
        except ValidationError as error:
            raise CommandError(error.messages[0]) from None
        if users.objects.filter(username=name).exists():
            raise CommandError(f"There is a user {name} already. Choose another name")
        Client.objects.make(name, scopes)
