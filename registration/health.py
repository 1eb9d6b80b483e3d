"""/livez and /readyz: for load balancers, at any Host, without sign-in, without details."""

from concurrent.futures import ThreadPoolExecutor

from django.conf import settings
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpResponse
from django.utils.module_loading import import_string

_CHECK_SECONDS = 1
_executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="health")
_check = None  # the one that is running, or the last one
_is_migrated = False


def answer(get_response):
    """Middleware: /livez says that the process runs, /readyz that it can register a patient (200 or 503)."""

    def middleware(request):
        if request.path == "/livez":
            return _status(True)
        if request.path == "/readyz":
            return _status(_ready())
        return get_response(request)

    return middleware


def _status(healthy):
    return HttpResponse(
        "ok\n" if healthy else "unavailable\n",
        status=200 if healthy else 503,
        content_type="text/plain",
        headers={"Cache-Control": "no-store"},
    )


def _ready():
    # In a thread of its own, because a database that hangs would hold the request longer than its caller waits. Who
    # asks meanwhile shares its answer.
    global _check
    if _check is None or _check.done():
        _check = _executor.submit(_all_well)
    try:
        return _check.result(timeout=_CHECK_SECONDS)
    except Exception:  # whatever is wrong, the answer is 503
        return False


def _all_well():
    try:
        return all(import_string(check)() for check in settings.READINESS_CHECKS)
    finally:
        connection.close()


def migrated():
    """Whether all migrations of this code are applied; once they are, they stay so for the life of the process."""
    global _is_migrated
    if not _is_migrated:
        executor = MigrationExecutor(connection)
        _is_migrated = not executor.migration_plan(executor.loader.graph.leaf_nodes())
    else:
        connection.ensure_connection()
    return _is_migrated
