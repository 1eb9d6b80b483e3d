"""Photos at rest: AES-256-GCM (NIST SP 800-38D) under a named key, bound to the file's name.

A sealed file is "PRP1", the length of the key's name (one byte), the name, a random 96-bit nonce, and the ciphertext
with its tag. The file's own name is authenticated with it, so that no file can take another's place.
"""

import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings

_MAGIC, _NONCE_LENGTH = b"PRP1", 12


class Unreadable(Exception):
    """The file was not sealed here under this name, was changed, or its key is gone."""


def seal(name, content):
    """Return the content encrypted under the first of PHOTO_KEYS."""
    key_name, key = settings.PHOTO_KEYS[0]
    nonce = os.urandom(_NONCE_LENGTH)
    header = _MAGIC + bytes([len(key_name)]) + key_name.encode()
    return header + nonce + AESGCM(key).encrypt(nonce, content, name.encode())


def unseal(name, sealed):
    """Return the content of a file sealed under this name with one of PHOTO_KEYS; raise Unreadable otherwise."""
    key = dict(settings.PHOTO_KEYS).get(key_name(sealed))
    if key is None:
        raise Unreadable("the key is not among PHOTO_KEYS")
    at = len(_MAGIC) + 1 + sealed[len(_MAGIC)]
    nonce, ciphertext = sealed[at : at + _NONCE_LENGTH], sealed[at + _NONCE_LENGTH :]
    try:
        return AESGCM(key).decrypt(nonce, ciphertext, name.encode())
    except (InvalidTag, ValueError):
        raise Unreadable("the file was changed or has another name") from None


def key_name(sealed):
    """Return the name of the key under which a file is sealed."""
    if not sealed.startswith(_MAGIC) or len(sealed) <= len(_MAGIC):
        raise Unreadable("the file was not sealed here")
    at = len(_MAGIC) + 1
    return sealed[at : at + sealed[len(_MAGIC)]].decode("ascii", "replace")
