"""How a channel says that a message did not get through: a code and a detail, both free of personal data."""

from django.utils.translation import gettext_lazy as _

SENTENCES = {
    "answered": _("the server answered %(detail)s"),
    "refused": _("the server refused the service itself (%(detail)s)"),
    "interrupted": _("the conversation with the server broke off (%(detail)s)"),
    "unanswered": _("the server took the message and did not answer (%(detail)s)"),
    "unreachable": _("the server cannot be reached (%(detail)s)"),
    "unexpected": _("something unexpected happened (%(detail)s)"),
    "exhausted": _("every attempt ended without an answer"),
    "disputed": _("whoever has the address says that it is not this patient's"),
    "no-text-messages": _("a number of this kind cannot receive text messages"),
    "channel-off": _("this way of sending is switched off"),
    "given-up": _("given up by staff"),
}


class TemporaryFailure(Exception):
    """The message may get through later. `args` are the code, one of SENTENCES, and the detail."""


class PermanentFailure(Exception):
    """The message will never get through as it is. `args` are the code, one of SENTENCES, and the detail."""


def sentence(failure):
    """Return the sentence for what was stored of a failure: its code and, after a space, its detail."""
    code, _space, detail = failure.partition(" ")
    return SENTENCES.get(code, code) % {"detail": detail}
