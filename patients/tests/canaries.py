"""Watches every test: what a patient entered stands in the patients' own tables, and nowhere else.

The patients of these tests have data that nobody mistakes for something else. After each test every table is searched
for it, and every line that was logged, through what signs, packs or encodes it.
"""

import base64
import binascii
import json
import logging
import re
import zlib

import pytest
from django.conf import settings
from django.db import connection

from registration.logs import JsonFormatter

#: Folded to lower case; as typed, as stored, and as searched for.
CANARIES = ["ñandú", "nandu", "@example.org", "99123456", "99 123 456", "rincón", "1984-02-29"]
#: Five plain letters also stand in a random token now and then; as a word, or the key of one, they don't.
_WORD = re.compile(r"\bw?nandu\b")
#: The tables in which a patient's data has its place.
OWN = {"patients_patient", "patients_searchkey"}
_ESCAPED = re.compile(r"\\u([0-9a-f]{4})")
_ENCODED = re.compile(r"[A-Za-z0-9+/_=-]{16,}")


def found_in(value):
    """Return the canaries in a value, also where it is base64, zlib or JSON in ASCII."""
    texts = {_ESCAPED.sub(lambda code: chr(int(code[1], 16)), text).casefold() for text in _layers(value)}
    found = {canary for text in texts for canary in CANARIES if canary in text}
    return found if any(map(_WORD.search, texts)) else found - {"nandu"}


def _layers(value):
    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
    yield text
    for word in _ENCODED.findall(text):
        try:
            inner = base64.b64decode(word.replace("-", "+").replace("_", "/") + "=" * (-len(word) % 4))
        except (binascii.Error, ValueError):
            continue
        yield inner.decode("utf-8", "replace")
        try:
            yield zlib.decompress(inner).decode("utf-8", "replace")
        except zlib.error:
            continue


def leaks_in_tables():
    """Return which canaries stand in which table that isn't the patients' own."""
    leaks = {}
    with connection.cursor() as cursor:
        for table in set(connection.introspection.table_names(cursor)) - OWN:
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")  # noqa: S608 — the database's own word
            if found := found_in(cursor.fetchall()):
                leaks[table] = found
    return leaks


class Lines(logging.Handler):
    """What the service would have logged."""

    def __init__(self):
        super().__init__()
        self.lines = []
        self.setFormatter(JsonFormatter())

    def emit(self, record):
        self.lines.append(str(json.loads(self.format(record))))


@pytest.fixture(autouse=True)
def nothing_leaks(request):
    uses_database = any(name in request.fixturenames for name in ("db", "transactional_db")) or bool(
        request.node.get_closest_marker("django_db")
    )
    if uses_database:
        request.getfixturevalue("_django_db_helper")  # so that this looks before the database is rolled back
    handler = Lines()
    loggers = [logging.getLogger(name) for name in ("", *settings.LOGGING["loggers"])]
    for logger in loggers:
        logger.addHandler(handler)
    yield handler
    for logger in loggers:
        logger.removeHandler(handler)
    assert {} == {line: found for line in handler.lines if (found := found_in(line))}
    assert {} == (leaks_in_tables() if uses_database else {})
