"""What the database was told to be: durable and strict, and to see what others have committed."""

import pytest
from django.db import connection


def value(statement):
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchone()[0]


@pytest.mark.django_db(transaction=True)
def test_is_durable_and_strict():
    if connection.vendor == "sqlite":
        assert value("PRAGMA synchronous") == 2 and value("PRAGMA journal_mode") == "wal"
        assert value("PRAGMA secure_delete") == 1 and value("PRAGMA busy_timeout") == 20_000
        assert connection.transaction_mode == "IMMEDIATE"
    else:
        assert "STRICT_ALL_TABLES" in value("SELECT @@session.sql_mode")
        assert value("SELECT @@session.time_zone") == "+00:00"
        assert value("SELECT @@character_set_connection") == "utf8mb4"
        assert connection.isolation_level == "read committed"


@pytest.mark.django_db
def test_tells_keys_apart_by_every_byte(registered):
    patient = registered(email="resume@example.org")

    assert type(patient).objects.filter(email_key="resume@example.org").exists()
    for other in ("RESUME@example.org", "résumé@example.org"):
        assert not type(patient).objects.filter(email_key=other).exists()
