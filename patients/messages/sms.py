"""The text message channel, off unless SMS_URL is set.

Speaks the protocol of the common providers: a form-encoded POST of To, From and Body with basic authentication, as in
https://www.twilio.com/docs/messaging/api/message-resource#create-a-message-resource.
"""

import http.client
import urllib.error
import urllib.parse
import urllib.request
from base64 import b64encode
from contextlib import contextmanager

import phonenumbers
from django.conf import settings
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.translation import gettext_lazy
from phonenumbers import PhoneNumberType

from patients.messages.channels import Channel
from patients.messages.failures import PermanentFailure, TemporaryFailure

SECONDS_MOST = 8
_MAY_BE_MOBILE = {
    PhoneNumberType.MOBILE,
    PhoneNumberType.FIXED_LINE_OR_MOBILE,
    PhoneNumberType.PERSONAL_NUMBER,
    PhoneNumberType.UNKNOWN,  # new ranges are; the provider knows
}
# 3GPP TS 23.038, section 6.2.1; the second line takes two places each.
_GSM_7 = set(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§"
    "¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_GSM_7_EXTENSION = set("^{}\\[~]|€")


class Sms(Channel):
    label = gettext_lazy("text message")

    def reason_against(self, patient):
        kind = phonenumbers.number_type(phonenumbers.parse(patient.phone))
        return None if kind in _MAY_BE_MOBILE else "no-text-messages"

    @contextmanager
    def session(self):
        yield send


def render(message):
    """Return the text, in the patient's language."""
    with translation.override(message.patient.language):
        context = {"patient": message.patient, "clinic_name": settings.CLINIC_NAME}
        return " ".join(render_to_string("messages/confirmation.sms.txt", context).split())


def parts(text):
    """Return (alphabet, length, how many messages it is sent as): GSM-7 when every character is in it, else UCS-2."""
    if set(text) <= _GSM_7 | _GSM_7_EXTENSION:
        alphabet, length, one, each = "GSM-7", len(text) + sum(c in _GSM_7_EXTENSION for c in text), 160, 153
    else:
        alphabet, length, one, each = "UCS-2", len(text.encode("utf-16-be")) // 2, 70, 67
    return alphabet, length, 1 if length <= one else -(-length // each)


def send(message):
    """Hand the text to the provider; 429 and 5xx are temporary, other refusals permanent."""
    url = urllib.parse.urlsplit(settings.SMS_URL)
    fields = {"To": message.patient.phone, "From": dict(urllib.parse.parse_qsl(url.query.replace("+", "%2B")))["from"]}
    credentials = f"{urllib.parse.unquote(url.username or '')}:{urllib.parse.unquote(url.password or '')}"
    request = urllib.request.Request(  # noqa: S310 — settings allow http and https only
        urllib.parse.urlunsplit((url.scheme, url.netloc.rpartition("@")[2], url.path, "", "")),
        urllib.parse.urlencode(fields | {"Body": render(message)}).encode(),
        {"Authorization": f"Basic {b64encode(credentials.encode()).decode()}"},
    )
    try:
        with _opener.open(request, timeout=SECONDS_MOST) as answer:
            answer.read(10_000)
    except urllib.error.HTTPError as error:
        with error:
            is_temporary = error.code == 429 or error.code >= 500
        raise (TemporaryFailure if is_temporary else PermanentFailure)("answered", error.code) from None
    except (OSError, http.client.HTTPException) as error:
        raise TemporaryFailure("unreachable", type(error).__name__) from None


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """A redirect would carry the number and the credentials elsewhere."""

    def redirect_request(self, *args):
        return None


_opener = urllib.request.build_opener(_NoRedirects, urllib.request.ProxyHandler({}))
