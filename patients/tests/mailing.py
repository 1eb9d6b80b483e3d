"""Delivering a message in a test, and reading what came of it."""

from email import policy
from email.parser import BytesParser

from patients import tasks


def deliver(message):
    tasks.deliver(message.pk)
    message.refresh_from_db()
    return message


def only_mail(inbox):
    (mail,) = inbox.mails()
    return BytesParser(policy=policy.default).parsebytes(mail.as_bytes())
