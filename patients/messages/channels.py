"""The ways to reach a patient. A channel is one class in one file, named in settings.MESSAGE_CHANNELS."""

from contextlib import nullcontext
from functools import cache

from django.conf import settings
from django.utils.module_loading import import_string


class Channel:
    """A way to reach a patient."""

    #: What people call it.
    label = ""

    def reason_against(self, patient):
        """Return the code (failures.SENTENCES) of why this patient can't be reached this way, or None."""
        return None

    def session(self):
        """Return a context manager that gives send(message), for one message after another.

        send() raises TemporaryFailure or PermanentFailure, within 45 seconds.
        """
        raise NotImplementedError


def enabled():
    """Return the names of the channels over which a registration is confirmed."""
    return list(settings.MESSAGE_CHANNELS)


def channel(name):
    """Return the channel of this name; one that was switched off reaches nobody any more."""
    path = settings.MESSAGE_CHANNELS.get(name)
    return _instance(path) if path else SwitchedOff(name)


@cache
def _instance(path):
    return import_string(path)()


class SwitchedOff(Channel):
    def __init__(self, name):
        self.label = name

    def reason_against(self, patient):
        return "channel-off"

    def session(self):
        return nullcontext()
