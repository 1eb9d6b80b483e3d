from django.conf import settings
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from patients.fields import KeyField
from registration import request_id


class AuditEvent(models.Model):
    """Who did what to which patient, and when: the patient's number and the names of fields, never their values."""

    class Action(models.TextChoices):
        REGISTERED = "registered", _("registered")
        CHANGED = "changed", _("changed")
        REMOVED = "removed", _("removed")
        PHOTO_SEEN = "photo_seen", _("saw the photo")
        SENT_AGAIN = "sent_again", _("sent the confirmation again")
        GAVE_UP = "gave_up", _("gave a message up")
        EMAIL_CONFIRMED = "email_confirmed", _("said that the address is theirs")
        EMAIL_DISPUTED = "email_disputed", _("said that the address is not theirs")

    at = models.DateTimeField(_("when"), db_default=Now())
    action = models.CharField(_("what"), max_length=20, choices=Action)
    # Staff who did something can be deactivated, not deleted.
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, verbose_name=_("who"), related_name="+", null=True
    )
    patient_number = KeyField(_("patient number"), max_length=8, db_index=True)
    detail = models.CharField(_("detail"), max_length=200, blank=True)
    request_id = models.CharField(max_length=64, blank=True)

    class Meta:
        ordering = ["-pk"]
        default_permissions = ["view"]
        verbose_name, verbose_name_plural = _("audit event"), _("audit events")

    def __str__(self):
        return f"{self.action} {self.patient_number}"

    @classmethod
    def record(cls, action, *, by, patient, detail=""):
        """Write one event, in the transaction of what it is about."""
        return cls.objects.create(
            action=action,
            actor=by,
            patient_number=patient.number,
            detail=detail,
            request_id=request_id.current(),
        )
