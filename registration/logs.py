"""JSON log lines by an allow-list: an exception's type and place, never its message, which may hold personal data."""

import json
import logging
import traceback
from datetime import UTC, datetime

from registration import request_id

_EXTRAS = ("status_code", "message_id", "error", "count")


def _event(record):
    """Return a message without its arguments; one that came without any may have been put together, with anything."""
    is_constant = record.name.startswith("patients") or record.args
    return str(record.msg) if is_constant else f"{record.module}.{record.funcName}"


class JsonFormatter(logging.Formatter):
    def format(self, record):
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "event": _event(record),
            "request_id": request_id.current(),
            **{name: str(getattr(record, name)) for name in _EXTRAS if hasattr(record, name)},
        }
        if match := getattr(getattr(record, "request", None), "resolver_match", None):
            line["route"] = match.view_name  # not the path, in which somebody may have put anything
        if record.exc_info and record.exc_info[0]:
            line["exception"] = record.exc_info[0].__name__
            line["at"] = [
                f"{frame.filename}:{frame.lineno}" for frame in traceback.extract_tb(record.exc_info[2])[-5:]
            ]
        return json.dumps(line)
