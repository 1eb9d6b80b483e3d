import os
import secrets

from django.conf import settings
from django.contrib.auth.models import Group, User
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from patients.models import Patient


class Command(BaseCommand):
    help = (
        "Bring the database and the static files up to date. A new embedded database gets two accounts, reception "
        "and admin, with random passwords, written to demo-accounts.txt in DATA_DIR."
    )

    def handle(self, **options):
        call_command("migrate", verbosity=0, interactive=False)
        Patient.erase_again()  # should a backup have been restored
        try:
            call_command("collectstatic", verbosity=0, interactive=False)
        except OSError as error:
            raise CommandError(f"STATIC_ROOT must be a folder that can be written to: {error}") from None
        if settings.EMBEDDED and not User.objects.exists():
            self._make_accounts()

    def _make_accounts(self):
        passwords = {name: secrets.token_urlsafe(12) for name in ("reception", "admin")}
        file = os.open(settings.DATA_DIR / "demo-accounts.txt", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with open(file, "w") as accounts:
            accounts.writelines(f"{name} {password}\n" for name, password in passwords.items())
        with transaction.atomic():
            reception = User.objects.create_user("reception", password=passwords["reception"])
            reception.groups.set([Group.objects.get(name="Front desk")])
            User.objects.create_superuser("admin", password=passwords["admin"])
