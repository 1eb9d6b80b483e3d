"""What a new password must not be, beside Django's own rules."""

import re

from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _


class NotOfTheClinic:
    """Refuses a password that is little more than what everybody knows here: the clinic, the service, the desk."""

    WORDS = ("patient", "registration", "register", "clinic", "reception", "front desk", "welcome", "password")
    REST_LEAST = 6

    def validate(self, password, user=None):
        rest = password.casefold()
        for word in (*re.findall(r"\w{4,}", settings.CLINIC_NAME.casefold()), *self.WORDS):
            rest = rest.replace(word, "")
        if len(re.sub(r"[\W\d_]+", "", rest)) < self.REST_LEAST and len(rest) < len(password):
            raise ValidationError(self.get_help_text(), "password_of_the_clinic")

    def get_help_text(self):
        return _("Your password can’t be made of the clinic’s name and words like “patient”.")
