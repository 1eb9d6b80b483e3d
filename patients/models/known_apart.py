from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now


class KnownApart(models.Model):
    """Two patients of whom staff said that they are different people, whatever their records have in common."""

    # The pair's earlier and later patient, so that it stands here once.
    earlier = models.ForeignKey("patients.Patient", models.CASCADE, related_name="+")
    later = models.ForeignKey("patients.Patient", models.CASCADE, related_name="+")
    said_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    said_at = models.DateTimeField(db_default=Now())

    class Meta:
        default_permissions = []
        constraints = [models.UniqueConstraint(fields=["earlier", "later"], name="known_apart")]

    def __str__(self):
        return f"pair {self.pk}"

    @classmethod
    def say(cls, one, other, *, by):
        """Remember it; return whether it is new. Call it inside a transaction."""
        earlier, later = sorted((one.pk, other.pk))
        _pair, is_new = cls.objects.get_or_create(earlier_id=earlier, later_id=later, defaults={"said_by": by})
        return is_new

    @classmethod
    def take_over(cls, kept, gone):
        """Say of one record what was said of another of the same person; call it inside a transaction."""
        for pair in cls.objects.filter(Q(earlier=gone) | Q(later=gone)):
            third = pair.later_id if pair.earlier_id == gone.pk else pair.earlier_id
            if third != kept.pk:
                earlier, later = sorted((kept.pk, third))
                said = {"said_by_id": pair.said_by_id, "said_at": pair.said_at}
                cls.objects.get_or_create(earlier_id=earlier, later_id=later, defaults=said)

    @classmethod
    def from_patient(cls, patient):
        """Return the primary keys of those who are known to be somebody else."""
        pairs = cls.objects.filter(Q(earlier=patient) | Q(later=patient)).values_list("earlier", "later")
        return {pk for pair in pairs for pk in pair} - {patient.pk}
