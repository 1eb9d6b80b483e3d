from datetime import timedelta

from django.conf import settings
from django.db import models
from django.db.models import OuterRef, Q, Subquery
from django.utils import timezone

from patients import numbers, validators
from patients.models.former_number import FormerNumber
from patients.models.message import Message
from patients.models.search_key import SearchKey


class PatientQuerySet(models.QuerySet):
    """The ways to ask for patients, at every door."""

    def newest_first(self):
        return self.order_by("-pk")

    def search(self, text, most=1000, *, before=None, after=None):
        """The newest, at most so many, of whom every word of the text begins a key; see SearchKey.find().

        The keys are looked up at once, and in all patients; other conditions, put before or after it, narrow what was
        found. `before` and `after` (primary keys) make it go on where a page of a list ended or began.
        """
        found = SearchKey.find(text, most, before=before, after=after)
        if number := numbers.normalize(text):  # which a name of eight letters may be, too
            found += FormerNumber.objects.filter(number=number).values_list("patient", flat=True)
            return self.filter(Q(number=number) | Q(pk__in=found))
        return self.filter(pk__in=found)

    def having_email(self, email):
        """Whoever has this address as theirs alone."""
        return self.filter(email_key=validators.email_key(email))

    def with_confirmation_status(self):
        """With `confirmation_status`, that of the latest mail to each, of which lists show no more."""
        mails = Message.objects.filter(patient=OuterRef("pk"), channel="email").order_by("-pk")
        return self.annotate(confirmation_status=Subquery(mails.values("status")[:1]))

    def numbered(self, number):
        """Whoever has this number, or had it until their record was merged into another."""
        former = FormerNumber.objects.filter(number=number).values_list("patient", flat=True)
        return self.filter(Q(number=number) | Q(pk__in=list(former)))

    def with_photo_past_its_time(self):
        """Those whose photo was taken in more than PHOTO_RETENTION_DAYS ago; none while that is not set."""
        if not settings.PHOTO_RETENTION_DAYS:
            return self.none()
        before = timezone.now() - timedelta(days=settings.PHOTO_RETENTION_DAYS)
        return self.filter(document_seen_at__lt=before, photo_deleted_at=None)
