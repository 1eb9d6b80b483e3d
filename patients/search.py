"""Finding patients by keys that are computed here, so that every database finds the same ones, by index.

A key is a kind's letter and text without case and accents. One patient has:

    w  for each word of the name, for the address and for each word of what stands before its @
    c  for the beginnings of each two of those words: few people have two words that many have
    d  for what follows the @, the domain, which is typed with it or a dot
    p  for the phone number, with and without the country's code
    r  for the phone number backwards, since people know its end
    k  for the patient number and for its second half

Each term of what was typed must begin a key, so that one that begins another is left out. models/search_key.py looks
them up; matching.py has keys of its own in the same table.
"""

import re
import unicodedata
from dataclasses import dataclass
from itertools import combinations, filterfalse, pairwise
from zlib import crc32

import idna
import phonenumbers

from patients import numbers

KEY_LENGTH = 64
TERMS_MOST = 6
SIGNATURE_BITS, SIGNED_LETTERS = 63, 4  # of a signed BIGINT, and of each word: few bits are set by others' words
PAIRED_LETTERS = 3  # of each word of a pair; shorter words have none
_PHONE = re.compile(r"(?<!\S)(?:\+\s*)?[\d(][\d\s()./-]*(?!\S)")
_BETWEEN_NAMES = re.compile(r"[,;،、]")  # as documents and address books print them
_SEPARATORS = re.compile(r"[\W_]+")
_LAST = "\U0010ffff"  # follows every other character, so that a range of keys is a prefix
# Letters that are read as others but don't decompose, and the signs that stand for an apostrophe or a hyphen.
_ALIKE = str.maketrans(
    {"ø": "o", "ł": "l", "đ": "d", "ð": "d", "ħ": "h", "ı": "i", "æ": "ae", "œ": "oe", "þ": "th"}
    | dict.fromkeys("’ʼ‘`´", "'")
    | dict.fromkeys("‐‑–", "-")
)


@dataclass(frozen=True)
class Term:
    """One thing that was typed: a patient must have a key in one of its ranges, each (first, last)."""

    ranges: tuple
    signature: int = 0  # these bits the signature of every patient has who is found
    length: int = 0
    beginning: str = ""  # as it stands in pairs, of what is one word and nothing else

    def finds(self, keys):
        """Whether any of a patient's keys is in one of the ranges."""
        return any(first <= key < last for key in keys for first, last in self.ranges)


def fold(text):
    """Return the text without case, accents and width."""
    if not text.isascii():
        decomposed = unicodedata.normalize("NFKD", text.translate(_ALIKE))  # first: ´ would become a space
        text = unicodedata.normalize("NFC", "".join(filterfalse(unicodedata.combining, decomposed)))
    return text.casefold().translate(_ALIKE)


def keys(patient):
    """Return the set of keys by which a patient is found."""
    digits, number = patient.phone.removeprefix("+"), patient.number
    national = phonenumbers.parse(patient.phone).national_number
    words = _searched_words(patient)
    found = {f"w{word}" for word in words}
    beginnings = {word[:PAIRED_LETTERS] for word in words if len(word) >= PAIRED_LETTERS}
    found |= {_pair_key(one, other) for one, other in combinations(beginnings, 2)}
    found |= {f"p{digits}", f"p{national}", f"r{digits[::-1]}"}
    found |= {f"d{address.rpartition('@')[2]}" for address in _addresses(patient)}
    found |= {f"k{number}", f"k{number[numbers.LENGTH // 2 :]}"}
    found = sorted(key[:KEY_LENGTH] for key in found)
    # What finds a key finds each that it begins, of which one is the next in order.
    return {key for key, following in pairwise([*found, ""]) if not following.startswith(key)}


def signature(patient):
    """Return bits for the beginnings of all of a patient's words.

    They stand beside each key, so that of all the people called Maria those without a word that begins with G are
    passed over while the index is read; the few that are not for nothing are looked at.
    """
    bits = 0
    for word in _searched_words(patient):
        bits |= _signature(word)
    return bits


def terms(text):
    """Return a Term for each word and each phone number, however spaced, in what was typed.

    Numbers with nothing but a space between them are one.
    """
    text = _BETWEEN_NAMES.sub(" ", unicodedata.normalize("NFKC", text)).strip()
    found, words = [], []
    position = 0
    for match in _PHONE.finditer(text):
        digits = "".join(str(unicodedata.digit(c)) for c in match[0] if c.isdigit())
        if len(digits) > 2:
            found.append(_phone_term(digits))
            words += text[position : match.start()].split()
            position = match.end()
    words += text[position:].split()
    is_alone = len(words) == 1 and not found
    found += [_word_term(word, is_alone) for word in dict.fromkeys(map(fold, words)) if word not in ("", "@")]
    return found[:TERMS_MOST]


def pair(terms):
    """Return a Term that finds everybody whom the two longest of the terms find, or None.

    None unless there are two that are long enough, and when one is more than a word: a number, an address or a double
    name is rarer than most pairs.
    """
    beginnings = [term.beginning for term in sorted(terms, key=lambda term: -term.length)]
    paired = list(dict.fromkeys(text for text in beginnings if len(text) == PAIRED_LETTERS))[:2]
    return Term(_prefixes(_pair_key(*paired))) if all(beginnings) and len(paired) == 2 else None


def name_words(name):
    """Return a name's words without case and accents, each once."""
    return list(dict.fromkeys(fold(name).split()))


def _phone_term(digits):
    national = digits.lstrip("0")  # dialled with a 0 at home, without it from abroad
    texts = [f"w{digits}", f"k{digits}"]
    if national:
        texts += [f"p{national}", f"r{national[::-1]}"]
    return Term(_prefixes(*texts), length=len(digits))


def _word_term(word, is_alone):
    # Most words might begin a number, too: one without a digit is looked for as that only when nothing else was typed.
    is_number = any(c.isdigit() for c in word) or (is_alone and len(word) > 3)
    # Domains, of which many have the same, have no bits in a signature, which would tell less of each name then.
    is_domain = word.startswith("@") or ("." in word and "@" not in word)
    texts = [f"w{word}"] + [f"k{numbers.fold(word)}"] * is_number + [f"d{word.removeprefix('@')}"] * is_domain
    if is_number or is_domain:
        return Term(_prefixes(*texts), length=len(word))
    return Term(_prefixes(*texts), _signature(word), len(word), word[:PAIRED_LETTERS] if word.isalpha() else "")


def _searched_words(patient):
    """Return all words, each of which is looked up by its beginning."""
    words = set()
    for word in name_words(patient.full_name):
        # O'Brien-Smith is found by o'brien, obrien and smith.
        words |= {word, *_SEPARATORS.split(word), _SEPARATORS.sub("", word)}
    for address in _addresses(patient):
        words |= {address, *_SEPARATORS.split(address.rpartition("@")[0])}
    return words - {""}


def _addresses(patient):
    """Return the email address as it is kept and, where its domain is international, as people write it (RFC 5891)."""
    local, _at, domain = patient.email.rpartition("@")
    return {fold(f"{local}@{form}") for form in (domain, idna.decode(domain))}


def _pair_key(*beginnings):
    return f"c{' '.join(sorted(beginnings))}"


def _signature(word):
    """Return a bit for each of the word's first beginnings, which every longer word with that beginning has, too."""
    bits = 0
    for length in range(1, min(len(word), SIGNED_LETTERS) + 1):
        bits |= 1 << crc32(word[:length].encode()) % SIGNATURE_BITS
    return bits


def _prefixes(*keys):
    return tuple((key[:KEY_LENGTH], key[:KEY_LENGTH] + _LAST) for key in keys)
