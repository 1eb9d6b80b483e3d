"""The link in a mail by which whoever has the address says whose it is. It names nobody."""

from datetime import timedelta

from django.conf import settings
from django.urls import reverse

from patients import validators
from patients.models import Patient
from registration import tokens

LIFETIME = timedelta(days=90)
_SALT = "patients.address"


class BadLink(Exception):
    """The link was changed, is too old, or is for an address that the record no longer has."""


def address_link(patient):
    """Return the link for the address that the patient has now."""
    token = tokens.sign([patient.number, tokens.digest(validators.email_key(patient.email), salt=_SALT)], salt=_SALT)
    return settings.SITE_URL + reverse("address", args=[token])


def patient_of(token):
    """Return the patient whose address the link is about; raise BadLink."""
    try:
        number, digest = tokens.read(token, salt=_SALT, max_age=LIFETIME)
    except tokens.BadSignature:
        raise BadLink from None
    patient = Patient.objects.numbered(number).first()
    if patient is None or not tokens.is_digest(digest, validators.email_key(patient.email), salt=_SALT):
        raise BadLink
    return patient
