"""The email channel: one short message, in the patient's language, to exactly one address."""

import smtplib
import socket
from contextlib import contextmanager, suppress
from threading import Timer

from django.conf import settings
from django.core.mail import EmailMultiAlternatives, get_connection
from django.core.mail.backends import smtp
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from patients.messages.channels import Channel
from patients.messages.failures import PermanentFailure, TemporaryFailure
from patients.messages.links import address_link

SECONDS_MOST = 40  # for one message, over all its steps, each of which has settings.EMAIL_TIMEOUT
VERDICT_SECONDS = 30  # for the answer to the mail itself: who hangs up too soon sends it twice (RFC 5321, 4.5.3.2.6)


class Email(Channel):
    label = gettext_lazy("email")

    def reason_against(self, patient):
        return "disputed" if patient.email_state == patient.EmailState.DISPUTED else None

    @contextmanager
    def session(self):
        """Give send(message), which opens a connection at the first message and keeps it for the next."""
        connection = get_connection()

        def send(message):
            cut = Timer(SECONDS_MOST, connection.cut)
            cut.start()
            try:
                _send(connection, render(message))
            finally:
                cut.cancel()

        try:
            yield send
        finally:
            connection.drop()


class Connection(smtp.EmailBackend):
    """Django's SMTP backend (settings.EMAIL_BACKEND), for which a conversation can be cut from another thread."""

    socket = None

    @property
    def connection_class(self):
        backend = self

        class Conversation(super().connection_class):
            has_named_recipient = False
            replies_of_data = None  # how many replies to DATA have been waited for

            def _get_socket(self, *args):
                backend.socket = super()._get_socket(*args)
                return backend.socket

            def mail(self, *args):
                self.has_named_recipient = False
                return super().mail(*args)

            def rcpt(self, *args):
                self.has_named_recipient = True
                return super().rcpt(*args)

            def data(self, message):
                self.replies_of_data = 0
                try:
                    answer = super().data(message)
                except smtplib.SMTPDataError:  # DATA itself was refused, and the next MAIL would be within this one
                    self.replies_of_data = None
                    self._rset()
                    raise
                self.replies_of_data = None
                self.sock.settimeout(settings.EMAIL_TIMEOUT)
                return answer

            def getreply(self):
                if self.replies_of_data is not None:
                    self.replies_of_data += 1
                    if self.is_waiting_for_verdict:
                        self.sock.settimeout(VERDICT_SECONDS)
                code, text = super().getreply()
                if code < 200:  # the conversation broke off within the answer
                    raise smtplib.SMTPServerDisconnected
                return code, text

            @property
            def is_waiting_for_verdict(self):
                """Whether the whole mail was sent and only the answer to it is missing."""
                return self.replies_of_data == 2

        return Conversation

    def open(self):
        """Open the connection, or see that the one that is open still is."""
        if self.connection:
            with suppress(smtplib.SMTPException, OSError):
                if self.connection.noop()[0] == 250:
                    return False
            self.drop()
        return super().open()

    def cut(self):
        """End a conversation with a server that answers, but so slowly that it never ends."""
        # After STARTTLS the conversation has another socket; before the greeting there is no conversation yet.
        if current := self.connection.sock if self.connection else self.socket:
            with suppress(OSError):
                socket.socket.shutdown(current, socket.SHUT_RDWR)  # not TLS's own, which would go on in clear first

    @property
    def failure(self):
        """What it is called that the conversation broke off, by how far it had come."""
        if not self.connection or not self.connection.has_named_recipient:
            return "unreachable"  # whoever the message was for
        return "unanswered" if self.connection.is_waiting_for_verdict else "interrupted"

    def drop(self):
        """Close the connection, whatever state it is in."""
        with suppress(smtplib.SMTPException, OSError):
            self.close()
        self.connection = self.socket = None


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
    except smtplib.SMTPResponseException as error:
        raise TemporaryFailure("refused", error.smtp_code) from None
    except (OSError, smtplib.SMTPException) as error:
        raise TemporaryFailure("unreachable", type(error).__name__) from None
    try:
        _send_again_after_421(connection, mail)
    except smtplib.SMTPRecipientsRefused as error:
        _raise(max(code for code, _text in error.recipients.values()))
    except smtplib.SMTPDataError as error:
        _raise(error.smtp_code)
    except smtplib.SMTPResponseException as error:
        connection.drop()  # before the recipient was named: it is the service that is refused, not the address
        raise TemporaryFailure("refused", error.smtp_code) from None
    except (OSError, smtplib.SMTPException) as error:
        code = connection.failure
        connection.drop()
        raise TemporaryFailure(code, type(error).__name__) from None


def _send_again_after_421(connection, mail):
    """Send; over a new connection when the server has had enough of this one and says so before anything was sent."""
    try:
        connection.send_messages([mail])
    except smtplib.SMTPSenderRefused as error:
        if error.smtp_code != 421:
            raise
        connection.drop()
        connection.open()
        connection.send_messages([mail])


def _raise(code):
    failure = PermanentFailure if 500 <= code < 600 else TemporaryFailure
    raise failure("answered", code) from None
