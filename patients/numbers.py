"""Patient numbers: eight characters of Crockford's base32, random but for the last, which checks the others.

Alphabet and look-alikes: https://www.crockford.com/base32.html. The check is a Reed–Solomon code over GF(32)
instead of Crockford's (which needs five more symbols): each position has another weight, so any one wrong character
and any two swapped ones are noticed.
"""

import secrets

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
LENGTH = 8
_VALUES = {character: value for value, character in enumerate(ALPHABET)}
_LOOKALIKES = str.maketrans("OIL", "011", "- ")


def new():
    """Return a new random number, without its hyphen."""
    body = "".join(secrets.choice(ALPHABET) for _ in range(LENGTH - 1))
    return body + _check_character(body)


def fold(text):
    """Return what was typed, a number or its beginning, in the alphabet as far as it can be."""
    return text.upper().translate(_LOOKALIKES)


def is_like(text):
    """Whether what somebody typed has the form of a number, right or mistyped."""
    number = fold(text)
    return len(number) == LENGTH and all(character in _VALUES for character in number)


def normalize(text):
    """Return the number that somebody typed, or None: any case, hyphen or not, O for 0, I and L for 1."""
    number = fold(text)
    return number if is_like(text) and _check_character(number[:-1]) == number[-1] else None


def display(number):
    """Return the number as people read it: 7K4M-2Q9X."""
    return f"{number[:4]}-{number[4:]}"


def _check_character(body):
    remainder = 0
    for character in body:
        remainder = _double(remainder ^ _VALUES[character])
    return ALPHABET[remainder]


def _double(value):
    """Multiply by the generator of GF(32) modulo x⁵ + x² + 1."""
    return (value << 1) ^ (0b100101 if value & 0b10000 else 0)
