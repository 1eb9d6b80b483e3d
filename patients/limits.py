"""How much a client of the API, and an address, may do: generous where it works, strict where it guesses.

Counted by all processes together, under keyed hashes: the table names no client, address or patient.
"""

import math
import threading
import time

from django.conf import settings
from django.utils.crypto import salted_hmac
from rest_framework.exceptions import Throttled
from rest_framework.throttling import BaseThrottle

from patients.models import Tally
from registration import client_address

MINUTE, HOUR = 60, 3600  # seconds
BLOCK_MOST = 20  # calls that a process counts in advance, since a call shall not wait for a write of its own
WRONG_TOKENS_PER_MINUTE = 30  # from one address
SAME_ADDRESS_PER_MINUTE = 20  # times that one client is told that one email address is taken


class CallsThrottle(BaseThrottle):
    """API_CALLS_PER_MINUTE, for each client and for each address."""

    _counted = {}  # by key: the minute, and how many calls of it are counted already and not made yet
    _lock = threading.Lock()

    def allow_request(self, request, view):
        keys = _key("client", request.user.pk), _key("address", client_address.network())
        return all([self._take(key) for key in keys])

    def _take(self, key):
        minute = int(time.time() // MINUTE)
        with self._lock:
            if len(self._counted) > 10_000:  # of minutes long past, mostly
                self._counted.clear()
            counted_for, left = self._counted.get(key, (minute, 0))
            if left and counted_for == minute:
                self._counted[key] = (minute, left - 1)
                return True
        most = settings.API_CALLS_PER_MINUTE
        block = min(BLOCK_MOST, math.ceil(most / 100))
        if Tally.add(key, MINUTE, block) - block >= most:
            return False
        with self._lock:
            self._counted[key] = (minute, block - 1)
        return True

    def wait(self):
        return _until_next(MINUTE)


class ProbingThrottle(BaseThrottle):
    """API_TAKEN_PER_HOUR: a client that was told of so many addresses that they are taken is looking for people."""

    def allow_request(self, request, view):
        is_writing = request.method not in ("GET", "HEAD")
        return not is_writing or Tally.of(_key("taken", request.user.pk), HOUR) < settings.API_TAKEN_PER_HOUR

    def wait(self):
        return _until_next(HOUR)


def note_taken(user, email_key):
    """Count that a client is about to be told that an address is taken; raise Throttled when it asks on and on.

    The same address again within the hour tells it nothing new, and costs it none of API_TAKEN_PER_HOUR.
    """
    _refuse_over(SAME_ADDRESS_PER_MINUTE, "told again", user.pk, email_key)
    if Tally.add(_key("told", user.pk, email_key), HOUR) == 1:
        Tally.add(_key("taken", user.pk), HOUR)


def note_wrong_token():
    """Count a token that is none; raise Throttled for an address from which too many come.

    Right ones are let in from there all the same: they can't be guessed, and others may work behind the same address.
    """
    _refuse_over(WRONG_TOKENS_PER_MINUTE, "wrong token", client_address.network())


def _refuse_over(most, *what):
    """Count something; raise Throttled once it has happened so often within a minute, then without a write."""
    key = _key(*what)
    if Tally.of(key, MINUTE) >= most or Tally.add(key, MINUTE) > most:
        raise Throttled(_until_next(MINUTE))


def _key(*parts):
    return salted_hmac("patients.limits", repr(parts), algorithm="sha256").hexdigest()


def _until_next(seconds):
    return math.ceil(seconds - time.time() % seconds) or 1
