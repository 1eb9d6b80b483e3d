"""Whether two records may be of one person: in what they resemble each other, and keys by which the likely are found.

Somebody is worth a look who agrees in two things (name, phone number, email address, date of birth), of which one may
be a slip: a letter missing, wrong or swapped in each word, words in another order or left out, one digit of a number,
day and month exchanged. The same photo of a document is enough; so is the same name, while few people have it.

The keys stand in the table of the search's (patients/search.py): a word's skeleton is what slips seldom change, its
first consonant and the set of the others, sound-alikes being one. A pair of words gives a key (s), and a date of birth
with each word (b). So what is found has the same phone number, the same address or the same part of it before the @,
two words with the same skeletons (one, when there is only one), or the same date of birth and one such word. What is
not: names with a slip in another consonant in all but one word, when number and address differ, too; a date of birth
with a slip, when nothing else agrees but one word; the older ones of more than MOST people with one key; and of those
who share no more than keys that many have, the older ones of more than COMPARED_MOST.
"""

import itertools
import re

from django.utils.translation import gettext_lazy as _
from rapidfuzz.distance import OSA

from patients import search, validators

MOST = 100  # patients of whom each key is looked at
COMPARED_MOST = 150  # of them all, those who have most in common
NAMESAKES_MOST = 3
WORDS_MOST = 5

REASONS = {
    "photo": _("same photo of the document"),
    "email": _("same email address"),
    "phone": _("same phone number"),
    "date_of_birth": _("same date of birth"),
    "full_name": _("same name"),
    "similar_full_name": _("similar name"),
    "similar_email": _("similar email address"),
    "similar_phone": _("phone number with one digit different"),
    "similar_date_of_birth": _("similar date of birth"),
}
_SOUNDS = [(re.compile(pattern), sound) for pattern, sound in (("ph", "f"), ("[cç](?=[eiy])", "s"), ("[ckq]h?", "k"))]
_ALIKE = str.maketrans("zxvwjtç", "ssbbgds")
# Vowels, which slips and transliterations change first, of the Latin, Greek, Cyrillic, Arabic and Hebrew scripts.
_VOWELS = dict.fromkeys(map(ord, "aeiouyhαεηιουωаеиоуыэюяйьъاويىةהוי'"))


def keys(patient):
    """Return the set of keys by which those who resemble a patient are found."""
    skeletons = sorted({skeleton(word) for word in _words(patient.full_name)[:WORDS_MOST]})
    found = {f"s{' '.join(pair)}" for pair in itertools.combinations(skeletons, 2)} or {f"s{s}" for s in skeletons}
    if patient.date_of_birth:
        found |= {f"b{patient.date_of_birth:%Y%m%d}{s}" for s in skeletons}
    return {key[: search.KEY_LENGTH] for key in found}


def ranges(patient):
    """Return the ranges (first, last) of keys of those who may resemble a patient, of whom fields may be empty."""
    exact = list(keys(patient))
    if patient.phone:
        exact.append(f"p{patient.phone.removeprefix('+')}")
    found = [(key, key) for key in exact]
    if patient.email:
        local = f"w{search.fold(patient.email).rpartition('@')[0]}"[: search.KEY_LENGTH - 1]
        found.append((f"{local}@", f"{local}A"))
    return found


def skeleton(word):
    """Return what slips seldom change in a word: its first consonant, and the set of the others."""
    sounds = word
    for pattern, sound in _SOUNDS:
        sounds = pattern.sub(sound, sounds)
    consonants = sounds.translate(_ALIKE).translate(_VOWELS)
    return consonants[:1] + "".join(sorted(set(consonants[1:]))) or word


def resemblance(one, other):
    """Return the codes (of REASONS) of what speaks for one person, or none when it doesn't suffice.

    Both have full_name, email, phone, date_of_birth and photo_fingerprint, each perhaps empty.
    """
    found = [
        code
        for code in (
            "photo" if one.photo_fingerprint and one.photo_fingerprint == other.photo_fingerprint else None,
            _compare_names(one.full_name, other.full_name),
            _compare_phones(one.phone, other.phone),
            _compare_emails(one.email, other.email),
            _compare_dates(one.date_of_birth, other.date_of_birth),
        )
        if code
    ]
    if "photo" in found:
        return found
    born_apart = one.date_of_birth and other.date_of_birth and not any("birth" in code for code in found)
    is_sure = any(not code.startswith("similar") for code in found)
    if "full_name" in found and len(found) == 1:
        return [] if born_apart else found  # of use while namesakes are few, which the caller knows
    if len(found) < 2 or not is_sure or (born_apart and "full_name" not in found):
        return []
    return found if _are_personal(found) else []


def is_likely(codes):
    """Whether more than one thing speaks for the same person: a name may be a namesake's, a photo the wrong file."""
    return len(codes) > 1 and _are_personal(codes)


def weight(codes):
    """Return a number that is higher the more is the same, then the more is similar."""
    return sum(1 if code.startswith("similar") else 2 for code in codes) + 9 * ("photo" in codes)


def _are_personal(codes):
    # A family shares phone and address.
    return any("name" in code or "birth" in code for code in codes)


def _compare_names(one, other):
    ones, others = _words(one), _words(other)
    if not ones or not others:
        return None
    if sorted(ones) == sorted(others) or "".join(ones) == "".join(others):
        return "full_name"
    fewer, more = sorted((ones, others), key=len)
    more = list(more)
    for word in fewer:
        nearest = min(more, key=lambda candidate: OSA.distance(word, candidate))
        if OSA.distance(word, nearest) > _slips(word):
            return None
        more.remove(nearest)
    return "similar_full_name" if len(fewer) > 1 or len(ones) == len(others) else None


def _slips(word):
    """Return how many letters of a word may be wrong."""
    return 0 if len(word) < 3 else 1 if len(word) < 7 else 2


def _compare_phones(one, other):
    if not one or not other:
        return None
    return {0: "phone", 1: "similar_phone"}.get(OSA.distance(one, other))


def _compare_emails(one, other):
    one, other = validators.email_key(one), validators.email_key(other)
    if not one or not other:
        return None
    if one == other:
        return "email"
    local = one.rpartition("@")[0]
    same_local = len(local) > 4 and local == other.rpartition("@")[0]
    return "similar_email" if same_local or (len(local) > 4 and OSA.distance(one, other) < 3) else None


def _compare_dates(one, other):
    if not one or not other:
        return None
    if one == other:
        return "date_of_birth"
    exchanged = (one.year, one.month, one.day) == (other.year, other.day, other.month)
    slips = OSA.distance(one.isoformat().replace("-", ""), other.isoformat().replace("-", ""))
    return "similar_date_of_birth" if exchanged or slips == 1 else None


def _words(name):
    """Return a name's words as they are compared: without case, accents and marks."""
    return [plain for word in search.name_words(name) if (plain := "".join(filter(str.isalnum, word)))]
