"""The link in a mail by which whoever has the address says whose it is. It names nobody."""

from datetime import timedelta

from django.conf import settings
from django.core import signing
from django.urls import reverse
from django.utils.crypto import constant_time_compare, salted_hmac

from patients.models import Patient

LIFETIME = timedelta(days=90)
_SALT = "patients.address"


class BadLink(Exception):
    """The link was changed, is too old, or is for an address that the record no longer has."""


def address_link(patient):
    """Return the link for the address that the patient has now."""
    token = signing.dumps([patient.number, _digest(patient)], salt=_SALT)
    return settings.SITE_URL + reverse("address", args=[token])


def patient_of(token):
    """Return the patient whose address the link is about; raise BadLink."""
    try:
        number, digest = signing.loads(token, salt=_SALT, max_age=LIFETIME)
    except signing.BadSignature:
        raise BadLink from None
    patient = Patient.objects.filter(number=number).first()
    if patient is None or not constant_time_compare(digest, _digest(patient)):
        raise BadLink
    return patient


def _digest(patient):
    return salted_hmac(_SALT, patient.email.casefold()).hexdigest()[:16]
