import uuid
from email.utils import parseaddr

from django.conf import settings
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from patients.messages import queue
from patients.messages.channels import channel
from patients.messages.failures import sentence
from patients.models.audit import AuditEvent
from patients.transactions import commit


def new_message_id():
    """Return a Message-ID (RFC 5322, section 3.6.4), random and without the machine's name."""
    domain = parseaddr(settings.DEFAULT_FROM_EMAIL)[1].rpartition("@")[2] or "localhost"
    return f"<{uuid.uuid4().hex}@{domain}>"


class Message(models.Model):
    """What is owed to a patient over a channel. This row is the truth; the queue's job only says to look at it.

    queued → sending → sent, or back to queued after a temporary failure, or failed; see messages/delivery.py.
    """

    class Status(models.TextChoices):
        QUEUED = "queued", _("queued")
        SENDING = "sending", _("sending")
        SENT = "sent", _("sent")
        FAILED = "failed", _("failed")

    ON_THEIR_WAY = [Status.QUEUED, Status.SENDING]

    patient = models.ForeignKey("patients.Patient", models.CASCADE, related_name="messages", verbose_name=_("patient"))
    channel = models.CharField(_("channel"), max_length=10)
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
    claimed_by = models.CharField(max_length=200, blank=True, editable=False)  # the mailworker whose cluster it was
    claim_expires_at = models.DateTimeField(null=True, editable=False)
    possible_duplicate = models.BooleanField(_("possibly sent twice"), default=False)

    class Meta:
        ordering = ["-pk"]
        default_permissions = ["view"]
        verbose_name, verbose_name_plural = _("message"), _("messages")
        indexes = [
            models.Index(fields=["status", "next_attempt_at"], name="message_due"),
            models.Index(fields=["status"], name="message_status"),
            models.Index(fields=["created_at"], name="message_created"),
        ]

    def __str__(self):
        return f"{self.channel} {self.pk}"

    @classmethod
    def owe(cls, patient, channel_name):
        """Create a message to the patient and its job; call it inside a transaction: neither without the other.

        A message that the channel can't carry to this patient is there, too, as failed, with the reason.
        """
        if reason := channel(channel_name).reason_against(patient):
            cls.objects.create(
                patient=patient, channel=channel_name, status=cls.Status.FAILED, failure=reason, next_attempt_at=None
            )
            return
        message = cls.objects.create(patient=patient, channel=channel_name)
        queue.nudge(message.pk)

    @property
    def status_label(self):
        """What get_status_display() returns, without its making a dictionary of all the choices for each row."""
        return self.Status(self.status).label

    @property
    def channel_label(self):
        return channel(self.channel).label

    @property
    def failure_sentence(self):
        return sentence(self.failure)

    @property
    def is_on_its_way(self):
        return self.status in self.ON_THEIR_WAY

    def give_up(self, *, by):
        """End the attempts of a message that is queued; return whether it was."""

        def end():
            queued = Message.objects.filter(pk=self.pk, status=self.Status.QUEUED)
            ended = queued.update(status=self.Status.FAILED, failure="given-up", next_attempt_at=None)
            if ended:
                AuditEvent.record(AuditEvent.Action.GAVE_UP, by=by, patient=self.patient)
            return bool(ended)

        return commit(end)

    def queue_again(self):
        """Start a failed message's attempts anew; call it inside a transaction."""
        self.status, self.attempts, self.failure = self.Status.QUEUED, 0, ""
        self.next_attempt_at = Now()
        self.save(update_fields=["status", "attempts", "failure", "next_attempt_at"])
        queue.nudge(self.pk)
