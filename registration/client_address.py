"""The address that a request came from, for audit rows and for the limit on sign-in."""

import ipaddress
from contextvars import ContextVar

from django.conf import settings

_current = ContextVar("client_address", default="")


def current():
    return _current.get()


def network():
    """Return what a client can't easily change of its address: all of IPv4, the /64 of IPv6; None if unknown."""
    address = current()
    return str(ipaddress.ip_network(f"{address}/64", strict=False)[0]) if ":" in address else address or None


def note(get_response):
    """Middleware: find the address; settings.PROXIES tells how many proxies stand in front.

    Each proxy adds the address that it was called from at the end of X-Forwarded-For. What stands before the entry of
    the first of them is the caller's own word, and is not believed.
    """

    def middleware(request):
        # Not reset afterwards, like the request's id: the next request sets its own.
        _current.set(_address_of(request.META))
        return get_response(request)

    return middleware


def _address_of(meta):
    forwarded = meta.get("HTTP_X_FORWARDED_FOR", "").split(",")
    behind_proxies = 0 < settings.PROXIES <= len(forwarded)
    return _normal(forwarded[-settings.PROXIES] if behind_proxies else "") or _normal(meta.get("REMOTE_ADDR", ""))


def _normal(text):
    """Return one spelling of an IP address, or an empty string for anything else."""
    try:
        address = ipaddress.ip_address(text.strip())
    except ValueError:
        return ""
    return str(getattr(address, "ipv4_mapped", None) or address).partition("%")[0]
