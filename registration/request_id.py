"""One id per request, in every log line, audit row and answer."""

import re
import uuid
from contextvars import ContextVar

_current = ContextVar("request_id", default="")
_ACCEPTABLE = re.compile(r"[A-Za-z0-9_.-]{8,64}")


def current():
    return _current.get()


def assign(get_response):
    """Middleware: take the proxy's X-Request-ID when it has the form of one, else make one; answer with it."""

    def middleware(request):
        given = request.headers.get("X-Request-ID", "")
        # Not reset afterwards: Django logs an answer after the last middleware; the next request sets its own.
        _current.set(given if _ACCEPTABLE.fullmatch(given) else uuid.uuid4().hex)
        response = get_response(request)
        response["X-Request-ID"] = current()
        return response

    return middleware
