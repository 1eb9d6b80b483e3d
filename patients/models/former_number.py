from django.db import models

from patients import numbers
from patients.fields import KeyField


class FormerNumber(models.Model):
    """The number of a record that was merged into another, to which it leads from then on.

    It stands on slips and in mails, and other systems know the patient by it: nobody else is ever given it.
    """

    number = KeyField(max_length=numbers.LENGTH, unique=True)
    patient = models.ForeignKey("patients.Patient", models.CASCADE, related_name="former_numbers")

    class Meta:
        default_permissions = []

    def __str__(self):
        return f"former number {self.pk}"
