import uuid
from email.utils import parseaddr

from django.conf import settings
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from patients.messages import queue


def new_message_id():
    """Return a Message-ID (RFC 5322, section 3.6.4), random and without the machine's name."""
    domain = parseaddr(settings.DEFAULT_FROM_EMAIL)[1].rpartition("@")[2] or "localhost"
    return f"<{uuid.uuid4().hex}@{domain}>"


class Message(models.Model):
    """What is owed to a patient over a channel. This row is the truth; the queue's job only says to look at it.

    queued → sending → sent, or back to queued after a temporary failure, or failed; see messages/delivery.py.
    """

    class Channel(models.TextChoices):
        EMAIL = "email", _("email")

    class Status(models.TextChoices):
        QUEUED = "queued", _("queued")
        SENDING = "sending", _("sending")
        SENT = "sent", _("sent")
        FAILED = "failed", _("failed")

    patient = models.ForeignKey("patients.Patient", models.CASCADE, related_name="messages", verbose_name=_("patient"))
    channel = models.CharField(_("channel"), max_length=10, choices=Channel, default=Channel.EMAIL)
    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.QUEUED)
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    created_at = models.DateTimeField(_("created"), db_default=Now())
    last_attempt_at = models.DateTimeField(_("last attempt"), null=True)
    next_attempt_at = models.DateTimeField(_("next attempt"), null=True, db_default=Now())
    sent_at = models.DateTimeField(_("sent"), null=True)
    failure = models.CharField(_("reason of the last failure"), max_length=100, blank=True)
    # The same at every attempt, so that a mailbox can tell a repeat from a second message.
    message_id = models.CharField(_("Message-ID"), max_length=255, default=new_message_id, editable=False)
    claim_token = models.UUIDField(null=True, editable=False)
    claim_expires_at = models.DateTimeField(null=True, editable=False)
    possible_duplicate = models.BooleanField(_("possibly sent twice"), default=False)

    class Meta:
        ordering = ["-pk"]
        default_permissions = ["view"]
        verbose_name, verbose_name_plural = _("message"), _("messages")
        indexes = [models.Index(fields=["status", "next_attempt_at"], name="message_due")]

    def __str__(self):
        return f"{self.channel} {self.pk}"

    @classmethod
    def owe(cls, patient):
        """Create a message to the patient and its job; call it inside a transaction: neither without the other."""
        message = cls.objects.create(patient=patient)
        queue.nudge(message.pk)
        return message

    @property
    def is_on_its_way(self):
        return self.status in (self.Status.QUEUED, self.Status.SENDING)

    def queue_again(self):
        """Start a failed message's attempts anew; call it inside a transaction."""
        self.status, self.attempts, self.failure = self.Status.QUEUED, 0, ""
        self.next_attempt_at = Now()
        self.save(update_fields=["status", "attempts", "failure", "next_attempt_at"])
        queue.nudge(self.pk)
