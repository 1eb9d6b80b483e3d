"""Signed and sealed tokens in addresses and forms.

They have keys of their own, LINK_KEYS: rotating the sessions' key breaks no link.
"""

import base64

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.core import signing
from django.core.signing import BadSignature
from django.utils.crypto import constant_time_compare, salted_hmac

__all__ = ["BadSignature", "digest", "is_digest", "read", "seal", "sign", "unseal"]


def sign(value, *, salt):
    """Return a token that says the value; it can be read, but not made or changed, without a key."""
    return signing.dumps(value, key=settings.LINK_KEYS[0][1], salt=salt, compress=True)


def read(token, *, salt, max_age):
    """Return the value of a token signed with any of LINK_KEYS, not longer ago than max_age; raise BadSignature."""
    current, *older = (key for _name, key in settings.LINK_KEYS)
    return signing.loads(token, key=current, fallback_keys=older, salt=salt, max_age=max_age)


def seal(text, *, salt):
    """Return a token that holds the text, to be read only with a key (Fernet, https://github.com/fernet/spec)."""
    return _fernet(salt).encrypt(text.encode()).decode()


def unseal(token, *, salt, max_age):
    """Return the text sealed with any of LINK_KEYS, not longer ago than max_age; raise BadSignature."""
    try:
        return _fernet(salt).decrypt(token, ttl=int(max_age.total_seconds())).decode()
    except (InvalidToken, ValueError):
        raise BadSignature from None


def _fernet(salt):
    keys = [key for _name, key in settings.LINK_KEYS]
    derived = (salted_hmac(salt, "sealed", secret=key, algorithm="sha256").digest() for key in keys)
    return MultiFernet([Fernet(base64.urlsafe_b64encode(key)) for key in derived])


def digest(text, *, salt):
    """Return a keyed hash, to put into a token what nobody shall read there."""
    return _digest(text, salt, settings.LINK_KEYS[0][1])


def is_digest(given, text, *, salt):
    """Whether the hash is that of the text, made with any of LINK_KEYS."""
    return any(constant_time_compare(given, _digest(text, salt, key)) for _name, key in settings.LINK_KEYS)


def _digest(text, salt, key):
    return salted_hmac(salt, text, secret=key, algorithm="sha256").hexdigest()[:16]
