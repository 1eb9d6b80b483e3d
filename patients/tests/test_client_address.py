"""Where a request came from, as far as it can be believed."""

import pytest
from django.test import Client

from registration import client_address


@pytest.mark.parametrize(
    ("proxies", "forwarded", "peer", "address"),
    [
        (0, None, "192.0.2.7", "192.0.2.7"),
        (0, "198.51.100.1", "192.0.2.7", "192.0.2.7"),  # nobody put there who may
        (1, "198.51.100.1", "10.0.0.1", "198.51.100.1"),
        (1, "203.0.113.9, 198.51.100.1", "10.0.0.1", "198.51.100.1"),  # the first is the caller's own word
        (2, "203.0.113.9, 198.51.100.1, 10.0.0.2", "10.0.0.1", "198.51.100.1"),
        (2, "198.51.100.1", "192.0.2.7", "192.0.2.7"),  # past one of the proxies
        (1, None, "192.0.2.7", "192.0.2.7"),
        (1, "unknown", "10.0.0.1", "10.0.0.1"),
        (1, "' OR 1=1 --", "10.0.0.1", "10.0.0.1"),
        (1, " 2001:DB8:0::1 ", "10.0.0.1", "2001:db8::1"),
        (0, None, "::ffff:192.0.2.7", "192.0.2.7"),
        (0, None, "fe80::1%eth0", "fe80::1"),
        (0, None, "", ""),  # a socket of the file system
    ],
)
def test_only_what_the_proxies_wrote_is_believed(proxies, forwarded, peer, address, settings):
    settings.PROXIES = proxies
    headers = {"X-Forwarded-For": forwarded} if forwarded else {}

    Client(headers=headers, REMOTE_ADDR=peer).get("/api/problems/invalid")

    assert client_address.current() == address
