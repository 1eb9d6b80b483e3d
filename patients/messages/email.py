"""The email channel: one short message, in the patient's language, to exactly one address."""

import smtplib

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.translation import gettext as _

from patients.messages.failures import PermanentFailure, TemporaryFailure


def render(message):
    """Return the Django mail for a message; nothing of the patient but the address enters a header."""
    patient = message.patient
    with translation.override(patient.language):
        context = {"patient": patient, "clinic_name": settings.CLINIC_NAME}
        subject = _("You are registered with %(clinic)s") % {"clinic": settings.CLINIC_NAME}
        mail = EmailMultiAlternatives(
            subject=" ".join(subject.split()),
            body=render_to_string("messages/confirmation.txt", context),
            to=[patient.email],
            headers={"Message-ID": message.message_id, "Auto-Submitted": "auto-generated"},
        )
        mail.attach_alternative(render_to_string("messages/confirmation.html", context), "text/html")
    return mail


def send(message):
    """Send a message over SMTP (RFC 5321); raise TemporaryFailure or PermanentFailure with the server's code."""
    try:
        render(message).send()
    except smtplib.SMTPRecipientsRefused as error:
        _raise(max(code for code, _text in error.recipients.values()))
    except smtplib.SMTPDataError as error:
        _raise(error.smtp_code)
    except smtplib.SMTPResponseException as error:
        # Before the recipient was named: the fault is the service's (sign-in, sender), not the address's.
        raise TemporaryFailure(f"mail server refused the service ({error.smtp_code})") from None
    except (OSError, smtplib.SMTPException) as error:
        raise TemporaryFailure(f"mail server cannot be reached ({type(error).__name__})") from None


def _raise(code):
    failure = PermanentFailure if 500 <= code < 600 else TemporaryFailure
    raise failure(f"mail server answered {code}") from None
