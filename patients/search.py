"""Finding patients by keys that are computed here, so that every database finds the same ones, by index.

A key is a kind's letter and text without case and accents. One patient has one key per word of the name (n), one
for the address (e), two for the phone number, forwards (p) and backwards (r), since people know its end, and one
for the patient number (k). Every word looked for must begin a key.
"""

import re
import unicodedata

from patients import numbers

KEY_LENGTH = 64
WORDS_MOST = 6
_PHONE = re.compile(r"[\d\s()+./-]+")
_LAST = "\U0010ffff"  # follows every other character, so that a range of keys is a prefix


def fold(text):
    """Return the text without case, accents and width."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return unicodedata.normalize("NFC", "".join(c for c in decomposed if not unicodedata.combining(c)))


def keys(patient):
    """Return the set of keys by which a patient is found."""
    digits = patient.phone.removeprefix("+")
    found = {f"n{word}" for word in _words(patient.full_name)}
    found |= {f"e{fold(patient.email)}", f"p{digits}", f"r{digits[::-1]}", f"k{patient.number}"}
    return {key[:KEY_LENGTH] for key in found}


def ranges(text):
    """Yield, for each word of what was typed, the ranges (first, last) of which a patient must have a key in one."""
    text = text.strip()
    digits = "".join(str(unicodedata.digit(c)) for c in text if c.isdigit())
    if _PHONE.fullmatch(text) and len(digits) > 2:
        national = digits.lstrip("0")  # dialled with a 0 at home, without it from abroad
        backwards = [f"r{national[::-1]}"] if national else []
        yield _prefixes(f"p{digits}", *backwards, f"n{fold(text)}") + _number_prefixes(text)
        return
    for word in text.split()[:WORDS_MOST]:
        found = _prefixes(f"e{fold(word)}", *(f"n{part}" for part in _words(word)[:1]))
        if len(word) > 3 or any(c.isdigit() for c in word):
            found += _number_prefixes(word)
        yield found


def _words(name):
    """Return a name's words as they are looked up: O'Brien-Smith is found by o'brien, obrien and smith."""
    words = []
    for word in fold(name).split():
        words += [word, *re.split(r"[^\w]+", word), re.sub(r"[^\w]", "", word)]
    return [word for word in dict.fromkeys(words) if word]


def _number_prefixes(text):
    return _prefixes(f"k{numbers.fold(text)}")


def _prefixes(*keys):
    return [(key[:KEY_LENGTH], key[:KEY_LENGTH] + _LAST) for key in keys]
