from collections import defaultdict

from django.db import models
from django.db.models import Max

from patients import fields, matching, search

ERA_BITS = 16  # 65,536 patients to an era
_COUNTED = 1000  # keys of a term, at most, to see which is the rarest


class SearchKey(models.Model):
    """One of the keys by which a patient is found; see patients/search.py and matching.py.

    The index begins with the era, the patients registered at about the same time, since people want the newest first:
    a word that many have is found in the newest era alone, one that few have costs a glance at each. So the work
    grows neither with the frequency of a word nor with the page.
    """

    pk = models.CompositePrimaryKey("patient_id", "key")
    patient = models.ForeignKey("patients.Patient", models.CASCADE, related_name="search_keys", db_index=False)
    key = fields.KeyField(max_length=search.KEY_LENGTH)
    era = models.PositiveIntegerField()
    signature = fields.BitsField()

    class Meta:
        default_permissions = []
        indexes = [models.Index(fields=["era", "key", "patient", "signature"], name="search_key")]

    def __str__(self):
        return "search key"

    @classmethod
    def rows_of(cls, patient):
        """Return (patient_id, key, era, signature) of each key that a patient with a primary key should have."""
        era, signature = patient.pk >> ERA_BITS, search.signature(patient)
        keys = search.keys(patient) | matching.keys(patient)
        return [(patient.pk, key, era, signature) for key in sorted(keys)]

    @classmethod
    def write(cls, patient):
        """Give a patient the keys of what they are called by now; call it inside a transaction."""
        cls.objects.filter(patient=patient).delete()
        cls.objects.bulk_create(
            cls(patient_id=pk, key=key, era=era, signature=signature)
            for pk, key, era, signature in cls.rows_of(patient)
        )

    @classmethod
    def find(cls, text, most, *, before=None, after=None):
        """Return the primary keys, newest first, of at most so many patients of whom every term begins a key.

        They are the newest; with `before` the newest of those registered before that patient (a primary key); with
        `after` the oldest of those registered after that one.
        """
        terms = search.terms(text)
        if not terms or most < 1:
            return []
        signature = 0
        for term in terms:
            signature |= term.signature
        rows = cls.objects.filter(signature__has=signature)
        if before is not None:
            rows = rows.filter(patient__lt=before)
        if after is not None:
            rows = rows.filter(patient__gt=after)
        found, ascending = [], after is not None
        windows = list(cls._windows(before, after))
        pair = search.pair(terms)
        rarest, *others = [pair, *terms] if pair else cls._rarest_first(terms, windows)
        for eras in windows:
            window, wanted = rows.filter(era__in=eras), most - len(found)
            # Where words are common, MySQL reads all patients in order instead: let it begin where the window does.
            if ascending:
                window = window.filter(patient__gte=min(eras) << ERA_BITS)
            else:
                window = window.filter(patient__lt=max(eras) + 1 << ERA_BITS)
            candidates = cls._patients(window, rarest).order_by("patient_id" if ascending else "-patient_id")
            found += cls._having(candidates, others, wanted) if others else candidates[:wanted]
            if len(found) >= most:
                break
        return found[::-1] if ascending else found

    @classmethod
    def newest_era(cls):
        return cls.objects.aggregate(newest=Max("era"))["newest"] or 0

    @classmethod
    def _windows(cls, before, after):
        """Yield lists of eras, ever longer: those in which the wanted patients are likely, then the rest."""
        newest = cls.newest_era()
        if before is not None:
            newest = min(newest, before >> ERA_BITS)
        eras = list(range(newest, -1, -1)) if after is None else list(range(after >> ERA_BITS, newest + 1))
        length = 1
        while eras:
            yield eras[:length]
            eras, length = eras[length:], 4 * length

    @classmethod
    def _rarest_first(cls, terms, windows):
        """Return the terms the one that the fewest keys of an era have first; the longest where they tie."""
        if len(terms) == 1:
            return terms
        # Of the second window, if there is one: the first may be an era that has just begun.
        rows = cls.objects.filter(era__in=[eras[0] for eras in windows[:2]][-1:]).values("era")

        def rarity(term):
            counts = [rows.filter(key__gte=first, key__lt=last)[:_COUNTED].count() for first, last in term.ranges]
            return sum(counts), -term.length

        return sorted(terms, key=rarity)

    @staticmethod
    def _patients(rows, term):
        """Return a query of the patients, each once, with a key in one of the term's ranges."""
        # Not one query with OR, for which SQLite may read all patients.
        queries = [
            rows.filter(key__gte=first, key__lt=last).values_list("patient_id", flat=True)
            for first, last in term.ranges
        ]
        return queries[0].union(*queries[1:]) if len(queries) > 1 else queries[0].distinct()

    @classmethod
    def _having(cls, candidates, terms, most):
        """Return the first of the candidates that every term finds."""
        found, candidates, length = [], list(candidates), 2 * most  # few of them are for nothing
        firsts, lasts = zip(*(keys for term in terms for keys in term.ranges), strict=True)
        rows = cls.objects.filter(key__gte=min(firsts), key__lt=max(lasts)).values_list("patient_id", "key")
        while candidates and len(found) < most:
            batch, candidates, length = candidates[:length], candidates[length:], 4 * length
            keys = defaultdict(list)
            for patient, key in rows.filter(patient__in=batch):
                keys[patient].append(key)
            found += [patient for patient in batch if all(term.finds(keys[patient]) for term in terms)]
        return found[:most]
