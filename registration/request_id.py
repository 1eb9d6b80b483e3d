"""One id per request, in every log line, audit row and answer, and in the jobs that follow from it."""

import re
import uuid
from contextvars import ContextVar

from django.conf import settings

_current = ContextVar("request_id", default="")
_ACCEPTABLE = re.compile(r"[A-Za-z0-9_.-]{8,64}")


def current():
    return _current.get()


def use(given):
    """Go on under the id of the request that this is about; an empty one for none."""
    _current.set(given)


def assign(get_response):
    """Middleware: take the proxy's X-Request-ID when it has the form of one, else make one; answer with it.

    Without a proxy (settings.PROXIES) it would be the caller's own word, with which anything could get into the logs.
    """

    def middleware(request):
        given = request.headers.get("X-Request-ID", "") if settings.PROXIES else ""
        # Not reset afterwards: Django logs an answer after the last middleware; the next request sets its own.
        use(given if _ACCEPTABLE.fullmatch(given) else uuid.uuid4().hex)
        response = get_response(request)
        response["X-Request-ID"] = current()
        return response

    return middleware
