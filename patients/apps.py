from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _


class PatientsConfig(AppConfig):
    name = "patients"
    verbose_name = _("Patient registration")

    def ready(self):
        from patients import auditing, checks, language, roles  # noqa: F401 — all but roles register themselves
        from patients.models import AuditHead
        from registration import sessions  # noqa: F401

        post_migrate.connect(roles.create, sender=self)
        post_migrate.connect(AuditHead.begin, sender=self)
