"""What an unexpected exception means to the person outside: something is away, full, or broken."""

import errno

from django.db import InterfaceError, OperationalError

# MySQL's errors: too many connections, shutting down, read-only, connection refused, lost; lock wait, deadlock.
_MYSQL_AWAY = {1040, 1045, 1053, 1290, 1836, 2002, 2003, 2005, 2006, 2013, 2055, 4031}
_MYSQL_BUSY = {1205, 1213}
_MYSQL_FULL = {1021, 1114}
_SQLITE_AWAY = ("unable to open database file", "readonly database")
_SQLITE_BUSY = ("database is locked", "database table is locked")
_DISK_FULL = {errno.ENOSPC, errno.EDQUOT}


def status_of(exception):
    """Return 503 when the database or the photos' storage is away or busy, 507 when a disk is full, else 500."""
    code = exception.args[0] if exception is not None and exception.args else None
    if isinstance(exception, ConnectionError):
        return 503
    if isinstance(exception, OSError) and exception.errno in _DISK_FULL:
        return 507
    if isinstance(exception, OperationalError | InterfaceError):
        if code in _MYSQL_FULL or "disk is full" in str(code):
            return 507
        if is_busy(exception) or code in _MYSQL_AWAY or any(text in str(code) for text in _SQLITE_AWAY):
            return 503
    return 500


def is_busy(error):
    """Whether the database undid the transaction because of another one, and says to try again."""
    code = error.args[0] if error.args else None
    return code in _MYSQL_BUSY or any(text in str(code) for text in _SQLITE_BUSY)
