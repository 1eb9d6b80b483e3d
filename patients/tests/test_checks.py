import pytest
from django.core.management import call_command
from django.core.management.base import SystemCheckError

from patients.checks import queue_settings


def test_the_settings_are_safe():
    assert queue_settings(None) == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("orm", "other"),
        ("timeout", 30),
        ("timeout", None),
        ("retry", 61),
        ("ack_failures", False),
        ("max_attempts", 0),
        ("save_limit", 250),
        ("cached", False),
        ("bulk", 10),
        ("guard_cycle", 1),
        ("scheduler", True),
        ("sync", True),
        ("timeout", 3600),
        ("poll", 60),
        ("queue_limit", 1000),
        ("broker_class", "x.Broker"),
        ("redis", {"host": "x"}),
        ("sqs", {"x": 1}),
        ("ALT_CLUSTERS", {"x": {}}),
        ("workers", 0),
        ("timeout", "60"),
        ("retry", "300"),
        ("cluster_name", "other"),
        ("error_reporter", {"sentry": {}}),
    ],
)
def test_an_unsafe_one_is_refused_with_a_sentence(name, value, settings):
    settings.Q_CLUSTER = settings.Q_CLUSTER | {name: value}

    with pytest.raises(SystemCheckError, match=rf'Q_CLUSTER\["{name}"\] must'):
        call_command("check")


def test_a_channel_whose_name_is_too_long_is_refused(settings):
    settings.MESSAGE_CHANNELS = settings.MESSAGE_CHANNELS | {"carrier-pigeon": "x.Y"}

    with pytest.raises(SystemCheckError, match="10 characters at most, not 'carrier-pigeon'"):
        call_command("check")
