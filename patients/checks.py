"""System checks: queue settings under which the promise about messages would not hold."""

from django.conf import settings
from django.core import checks

ATTEMPT_SECONDS = 60  # what one attempt and its recording may take; see messages/delivery.py

# For each setting: whether a value holds (the whole of Q_CLUSTER stands beside it), and what must be, and why.
_RULES = {
    "orm": (
        lambda value, q: value == "default",
        'must be "default": a job is written in its patient\'s transaction',
    ),
    "workers": (lambda value, q: value is None or value >= 1, "must be 1 or more: nobody would send anything"),
    "timeout": (
        lambda value, q: value is not None and ATTEMPT_SECONDS <= value <= 100,
        f"must be from {ATTEMPT_SECONDS} to 100: attempts that go well take that long, and a claim lasts 120",
    ),
    "poll": (lambda value, q: value is None or value <= 1, "must be 1 or less: mail would wait for it"),
    "queue_limit": (
        lambda value, q: value is not None and value <= 16,
        "must be 16 or less: jobs taken by a cluster that dies wait for their retry",
    ),
    **{
        name: (lambda value, q: not value, "must not be there: it would take the ORM broker's place")
        for name in ("broker_class", "redis", "django_redis", "sqs", "iron_mq", "mongo", "ALT_CLUSTERS")
    },
    "cluster_name": (lambda value, q: not value, "must not be there: jobs are given and found under the name"),
    "error_reporter": (lambda value, q: not value, "must not be there: tracebacks hold personal data"),
    "retry": (
        lambda value, q: value is not None and value >= 2 * (q.get("timeout") or 0),
        "must be at least twice the timeout: with a shorter one jobs are given out that are still being done",
    ),
    "ack_failures": (lambda value, q: value is True, "must be True: a failed job would come back for ever"),
    "max_attempts": (lambda value, q: value == 1, "must be 1: it is the message that counts its attempts"),
    "save_limit": (
        lambda value, q: value is not None and value < 0,
        "must be negative: results that are kept lock each other",
    ),
    "cached": (
        lambda value, q: type(value) is int and value > 0,
        "must be a number of seconds: a row forged in the table of results would be executed",
    ),
    "bulk": (lambda value, q: value in (None, 1), "must be 1: jobs taken together wait for each other"),
    "guard_cycle": (lambda value, q: value in (None, 0.5), "must be 0.5: another one can disable the timeout"),
    "scheduler": (lambda value, q: value is False, "must be False: its table runs any function by name"),
    "sync": (lambda value, q: not value, "must be off: mail would be sent while a patient is being registered"),
}


@checks.register
def text_message(app_configs, **kwargs):
    """Return a warning when the text message is so long that it is sent, and paid for, as more than two."""
    if "sms" not in settings.MESSAGE_CHANNELS:
        return []
    from patients.messages import sms

    longest = max(sms.parts(sms.text(language, "7K4M-2Q9X"))[2] for language, _name in settings.LANGUAGES)
    warning = f"The text message is sent as {longest}: a shorter CLINIC_NAME, or one without accents, makes it fewer"
    return [checks.Warning(warning, id="patients.W001")] if longest > 2 else []


@checks.register
def queue_settings(app_configs, **kwargs):
    """Return an error for each setting of Q_CLUSTER that would lose, repeat or delay messages."""
    queue = settings.Q_CLUSTER
    return [
        checks.Error(f'Q_CLUSTER["{name}"] {sentence}', id=f"patients.E{number:03}")
        for number, (name, (holds, sentence)) in enumerate(_RULES.items(), start=1)
        if not _holds(holds, queue.get(name), queue)
    ]


def _holds(rule, value, queue):
    try:
        return rule(value, queue)
    except TypeError:  # text where a number should be
        return False


@checks.register
def channels(app_configs, **kwargs):
    """Return an error for each channel whose name is too long to be stored."""
    from patients.models import Message

    most = Message._meta.get_field("channel").max_length
    return [
        checks.Error(f"MESSAGE_CHANNELS: a name must have {most} characters at most, not {name!r}", id="patients.E050")
        for name in settings.MESSAGE_CHANNELS
        if len(name) > most
    ]
