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
    ],
)
def test_an_unsafe_one_is_refused_with_a_sentence(name, value, settings):
    settings.Q_CLUSTER = settings.Q_CLUSTER | {name: value}

    with pytest.raises(SystemCheckError, match=rf'Q_CLUSTER\["{name}"\] must'):
        call_command("check")
