"""The text message channel, off unless SMS_URL is set.

Speaks the protocol of the common providers: a form-encoded POST of To, From and Body with basic authentication, as in
https://www.twilio.com/docs/messaging/api/message-resource#create-a-message-resource.
"""

import http.client
import socket
from base64 import b64encode
from contextlib import contextmanager, suppress
from threading import Timer
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

import phonenumbers
from django.conf import settings
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.translation import gettext_lazy
from phonenumbers import PhoneNumberType

from patients.messages.channels import Channel
from patients.messages.failures import PermanentFailure, TemporaryFailure

STEP_SECONDS, SECONDS_MOST = 8, 20  # for each step, and in all
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


def text(language, number):
    """Return the text, in a language, for a patient number."""
    with translation.override(language):
        context = {"number": number, "clinic_name": settings.CLINIC_NAME}
        return " ".join(render_to_string("messages/confirmation.sms.txt", context).split())


def parts(content):
    """Return (alphabet, length, how many messages it is sent as): GSM-7 when every character is in it, else UCS-2."""
    if set(content) <= _GSM_7 | _GSM_7_EXTENSION:
        alphabet, length, one, each = "GSM-7", len(content) + sum(c in _GSM_7_EXTENSION for c in content), 160, 153
    else:
        alphabet, length, one, each = "UCS-2", len(content.encode("utf-16-be")) // 2, 70, 67
    return alphabet, length, 1 if length <= one else -(-length // each)


def send(message):
    """Hand the text to the provider; 400 and 422 are about this message, all other refusals about the account."""
    url = urlsplit(settings.SMS_URL)
    fields = {
        "To": message.patient.phone,
        "From": sender(url),
        "Body": text(message.patient.language, message.patient.display_number),
    }
    credentials = f"{unquote(url.username or '')}:{unquote(url.password or '')}"
    headers = {
        "Authorization": f"Basic {b64encode(credentials.encode()).decode()}",
        "Content-Type": "application/x-www-form-urlencoded",
    }
    kind = http.client.HTTPSConnection if url.scheme == "https" else http.client.HTTPConnection
    connection = kind(url.hostname, url.port, timeout=STEP_SECONDS)
    cut = Timer(SECONDS_MOST, _cut, [connection])
    cut.start()
    try:
        connection.connect()
    except OSError as error:
        cut.cancel()
        raise TemporaryFailure("unreachable", type(error).__name__) from None
    try:
        connection.request("POST", url.path or "/", urlencode(fields), headers)
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        raise TemporaryFailure("unanswered", type(error).__name__) from None
    finally:
        cut.cancel()
        connection.close()
    if status in (400, 422):
        raise PermanentFailure("answered", status)
    if not 200 <= status < 300:
        raise TemporaryFailure("refused", status)


def sender(url):
    """Return the number or the name from which the texts come."""
    return dict(parse_qsl(url.query.replace("+", "%2B")))["from"]


def _cut(connection):
    """End a conversation with a provider that answers, but so slowly that it never ends."""
    if connection.sock:
        with suppress(OSError):
            connection.sock.shutdown(socket.SHUT_RDWR)
