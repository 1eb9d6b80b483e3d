import heapq
from collections import Counter
from typing import NamedTuple

from patients import matching
from patients.models.known_apart import KnownApart
from patients.models.patient import Patient
from patients.models.search_key import SearchKey

SHOWN_MOST = 5


class Resemblance(NamedTuple):
    """A patient who may be the same person as another, and the reasons to think so."""

    patient: Patient
    reasons: list
    is_likely: bool  # and so worth a question

    @classmethod
    def of(cls, patient, *, apart=()):
        """Return the resemblances of a patient, who may be unsaved and lack values, the likeliest first.

        Those of whom staff said that they are different people, or of whom `apart` (primary keys) says so, are left
        out.
        """
        apart = {patient.pk, *apart}
        if patient.pk:
            apart |= KnownApart.from_patient(patient)
        pks, found = cls._candidates(patient, apart), []
        fields = ("pk", "full_name", "email", "phone", "date_of_birth", "photo_fingerprint")
        for other in Patient.objects.filter(pk__in=pks).values_list(*fields, named=True):
            if codes := matching.resemblance(patient, other):
                found.append((other.pk, codes))
        if sum("full_name" in codes for _, codes in found) > matching.NAMESAKES_MOST:
            found = [(pk, codes) for pk, codes in found if codes != ["full_name"]]
        found.sort(key=lambda pair: (matching.weight(pair[1]), pair[0]), reverse=True)
        patients = Patient.objects.in_bulk([pk for pk, _ in found[:SHOWN_MOST]])
        return [
            cls(patients[pk], [matching.REASONS[code] for code in codes], matching.is_likely(codes))
            for pk, codes in found[:SHOWN_MOST]
            if pk in patients
        ]

    @staticmethod
    def _candidates(patient, apart):
        """Return the primary keys of those who have most in common with the patient: a key counts for as much as few
        have it.
        """
        rows = SearchKey.objects.filter(era__in=range(SearchKey.newest_era() + 1))
        rows = rows.order_by("-era", "-patient_id")  # the newest first, and of one key in the order of the index
        common = Counter()
        for first, last in matching.ranges(patient):
            having = rows.filter(key=first) if first == last else rows.filter(key__gte=first, key__lt=last)
            pks = having.values_list("patient_id", flat=True)[: matching.MOST]
            common.update(dict.fromkeys(pks, 1 / max(len(pks), 1)))
        if patient.photo_fingerprint:
            same_photo = Patient.objects.filter(photo_fingerprint=patient.photo_fingerprint)
            common.update(dict.fromkeys(same_photo.values_list("pk", flat=True)[: matching.MOST], 1))
        for pk in apart:
            common.pop(pk, None)
        return heapq.nlargest(matching.COMPARED_MOST, common, key=lambda pk: (common[pk], pk))
