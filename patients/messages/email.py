"""The email channel: one short message, in the patient's language, to exactly one address."""

import smtplib
import socket
from contextlib import contextmanager, suppress
from threading import Timer

from django.conf import settings
from django.core.mail import EmailMultiAlternatives, get_connection
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from patients.messages.channels import Channel
from patients.messages.failures import PermanentFailure, TemporaryFailure
from patients.messages.links import address_link

SECONDS_MOST = 40  # for one message, over all its steps, each of which has settings.EMAIL_TIMEOUT


class Email(Channel):
    label = gettext_lazy("email")

    def reason_against(self, patient):
        return "disputed" if patient.email_state == patient.EmailState.DISPUTED else None

    @contextmanager
    def session(self):
        """Give send(message), which opens a connection at the first message and keeps it for the next."""
        connection = get_connection()

        def send(message):
            cut = Timer(SECONDS_MOST, _cut, [connection])
            cut.start()
            try:
                _send(connection, render(message))
            finally:
                cut.cancel()

        try:
            yield send
        finally:
            with suppress(smtplib.SMTPException, OSError):
                connection.close()


def render(message):
    """Return the Django mail for a message; nothing of the patient but the address enters a header."""
    patient = message.patient
    with translation.override(patient.language):
        context = {"patient": patient, "clinic_name": settings.CLINIC_NAME, "link": address_link(patient)}
        subject = _("You are registered with %(clinic)s") % {"clinic": settings.CLINIC_NAME}
        mail = EmailMultiAlternatives(
            subject=" ".join(subject.split()),
            body=render_to_string("messages/confirmation.txt", context),
            to=[patient.email],
            headers={"Message-ID": message.message_id, "Auto-Submitted": "auto-generated"},
        )
        mail.attach_alternative(render_to_string("messages/confirmation.html", context), "text/html")
    return mail


def _send(connection, mail):
    """Send over SMTP (RFC 5321); an answer of 5xx to the recipient or the content is permanent, all else temporary."""
    try:
        connection.open()
        connection.send_messages([mail])
    except smtplib.SMTPRecipientsRefused as error:
        _raise(max(code for code, _text in error.recipients.values()))
    except smtplib.SMTPDataError as error:
        _raise(error.smtp_code)
    except smtplib.SMTPResponseException as error:
        # Before the recipient was named: the fault is the service's (sign-in, sender), not the address's.
        raise TemporaryFailure("refused", error.smtp_code) from None
    except (OSError, smtplib.SMTPException) as error:
        raise TemporaryFailure("unreachable", type(error).__name__) from None


def _raise(code):
    failure = PermanentFailure if 500 <= code < 600 else TemporaryFailure
    raise failure("answered", code) from None


def _cut(connection):
    """End a conversation with a server that answers, but so slowly that it never ends."""
    if connection.connection and connection.connection.sock:
        with suppress(OSError):
            connection.connection.sock.shutdown(socket.SHUT_RDWR)
