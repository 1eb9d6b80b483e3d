"""gunicorn's settings: `gunicorn --config python:registration.gunicorn registration.wsgi`."""

import gc
import os
import sys

from django.core.exceptions import ImproperlyConfigured
from gunicorn import util

try:
    from registration.settings import LOGGING, WEB_THREADS, WEB_WORKERS
except ImproperlyConfigured as error:
    sys.exit(f"Configuration: {error}")

worker_class = "gthread"
workers, threads = WEB_WORKERS, WEB_THREADS
bind = f"{os.environ.get('HOST') or '127.0.0.1'}:{os.environ.get('PORT') or 8000}"
preload_app = True  # a wrong setting ends the start with one sentence, and the workers share the code's memory
control_socket_disable = True
worker_tmp_dir = "/dev/shm" if os.path.isdir("/dev/shm") else None  # noqa: S108 — a heartbeat file, off the disk
graceful_timeout = 8
READ_OFF_MOST = 65_536  # bytes of a body that was left unread, of which gunicorn looks for the end
limit_request_line = 8190  # what nginx lets through; a longer one is its to refuse, in the API's form
# JSON like the rest; not its warnings, which repeat the request line, in which there may be names, and tell of each
# HEAD, whose body Django leaves to the server to leave out.
_own = {"level": "ERROR", "handlers": ["console"], "propagate": False}
logconfig_dict = LOGGING | {"loggers": {**LOGGING["loggers"], "gunicorn.error": _own, "gunicorn.http": _own}}


def when_ready(server):
    gc.freeze()  # what was loaded before the fork stays shared: the collector no longer touches it


def pre_request(worker, request):
    """Say that the connection will be closed where else it would be closed without a word, and the client's next
    request on it be lost: after a body that may be refused unread and is in chunks or longer than gunicorn reads off.
    """
    headers = dict(request.headers)
    if "TRANSFER-ENCODING" in headers or int(headers.get("CONTENT-LENGTH", 0)) >= READ_OFF_MOST:
        request.force_close()


def write_error(connection, status, reason, message):
    """Answer what is no HTTP, and so never reaches the application, as the application would; repeat nothing of it."""
    from django.conf import settings  # all of these need the settings, which Django has read by now
    from django.http import HttpRequest
    from django.utils import translation

    from registration import headers, request_id
    from registration.problems import problem

    status = 400 if status == 501 else status  # a transfer coding that there isn't is the client's error
    with translation.override(settings.LANGUAGE_CODE):  # not that of whoever this thread answered before
        answer = request_id.assign(headers.secure(lambda request: problem(status)))(HttpRequest())
    for name, value in (("Date", util.http_date()), ("Connection", "close"), ("Content-Length", len(answer.content))):
        answer[name] = value
    util.write_nonblock(connection, f"HTTP/1.1 {status} {answer.reason_phrase}\r\n".encode() + answer.serialize())


util.write_error = write_error  # gunicorn has no setting for it
