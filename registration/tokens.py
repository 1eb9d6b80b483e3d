"""Signed tokens in addresses and forms. They have keys of their own: rotating the sessions' key breaks no link."""

from django.conf import settings
from django.core import signing
from django.core.signing import BadSignature
from django.utils.crypto import constant_time_compare, salted_hmac

__all__ = ["BadSignature", "digest", "is_digest", "read", "sign"]


def sign(value, *, salt):
    """Return a token that says the value; it can be read, but not made or changed, without a key."""
    return signing.dumps(value, key=settings.LINK_KEYS[0][1], salt=salt, compress=True)


def read(token, *, salt, max_age):
    """Return the value of a token signed with any of LINK_KEYS, not longer ago than max_age; raise BadSignature."""
    current, *older = (key for _name, key in settings.LINK_KEYS)
    return signing.loads(token, key=current, fallback_keys=older, salt=salt, max_age=max_age)


def digest(text, *, salt):
    """Return a keyed hash, to put into a token what nobody shall read there."""
    return _digest(text, salt, settings.LINK_KEYS[0][1])


def is_digest(given, text, *, salt):
    """Whether the hash is that of the text, made with any of LINK_KEYS."""
    return any(constant_time_compare(given, _digest(text, salt, key)) for _name, key in settings.LINK_KEYS)


def _digest(text, salt, key):
    return salted_hmac(salt, text, secret=key, algorithm="sha256").hexdigest()[:16]
