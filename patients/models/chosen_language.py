from django.conf import settings
from django.db import models


class ChosenLanguage(models.Model):
    """The language in which a member of staff wants to be spoken to, in whatever browser they sign in."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, models.CASCADE, primary_key=True, related_name="+")
    language = models.CharField(max_length=10, choices=settings.LANGUAGES)

    class Meta:
        default_permissions = []

    def __str__(self):
        return f"language {self.language}"
