"""A wrong setting is a sentence at start-up."""

import base64
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from registration import environment

pytestmark = [pytest.mark.slow, pytest.mark.once]

ROOT = Path(__file__).parents[2]
CHANCE = random.Random(1)  # noqa: S311 — the same in every process that collects the tests
SECRET = base64.urlsafe_b64encode(CHANCE.randbytes(40)).decode()
KEY = base64.b64encode(CHANCE.randbytes(32)).decode()


def manage(*arguments, **variables):
    """Run manage.py with nothing but these variables."""
    environ = {"PATH": os.environ["PATH"]} | variables
    command = [sys.executable, "manage.py", *arguments]
    return subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("DEBUG", "maybe", "DEBUG must be true or false, not 'maybe'"),
        ("MAX_PHOTO_BYTES", "10MB", "MAX_PHOTO_BYTES must be a whole number from 10000 to 100000000, not '10MB'"),
        ("DATABASE_URL", "postgres://x:hidden@y/z", "DATABASE_URL must look like mysql://"),
        ("DATABASE_URL", "mysql://u:hidden@h:port/z", "DATABASE_URL must look like mysql://"),
        ("EMAIL_URL", "imap://u:hidden@h/", "EMAIL_URL must look like smtp://"),
        ("SMS_URL", "https://[x?from=ACME", "SMS_URL must look like https://account:token@host/path"),
        ("SMS_URL", "https://a:b@h:bad/?from=ACME", "SMS_URL must look like https://account:token@host/path"),
        ("SITE_URL", "clinic.example", "SITE_URL must look like https://clinic.example"),
        ("PHONE_DEFAULT_REGION", "XX", "PHONE_DEFAULT_REGION must be one of"),
        ("LANGUAGE_CODE", "fr", "LANGUAGE_CODE must be one of en, es, not 'fr'"),
        ("TIME_ZONE", "Mars/Olympus", "TIME_ZONE must be one of"),
        ("PHOTO_FORMATS", "JPEG,BMP", "PHOTO_FORMATS must be chosen from JPEG, PNG, WEBP, HEIC, not 'BMP'"),
        ("NAME_PATTERN", "[", "NAME_PATTERN must be a regular expression"),
        ("SECRET_KEY", "change-me", "SECRET_KEY must be at least 32 random characters"),
        ("SECRET_KEY", "k" * 64, "SECRET_KEY must be at least 32 random characters, not a placeholder"),
        ("SECRET_KEY", "django-insecure-" + SECRET, "SECRET_KEY must be at least 32 random characters"),
        ("SECRET_KEY", "change me " + SECRET, "SECRET_KEY must be at least 32 random characters"),
        ("SECRET_KEY_FALLBACKS", f"{SECRET},short", "SECRET_KEY_FALLBACKS must be at least 32 random characters"),
        ("SECRET_KEY_FILE", "/nowhere/key", "SECRET_KEY_FILE must name a readable text file"),
        ("PHOTO_KEYS", "nonsense", "PHOTO_KEYS must be words like 2026a:"),
        (
            "LINK_KEYS",
            f"1:{'A' * 43}=",
            "LINK_KEYS must be random, not placeholders: openssl rand -base64 32",
        ),
        ("ALLOWED_HOSTS", "*", "ALLOWED_HOSTS must be host names like clinic.example, without port, not '*'"),
        ("ALLOWED_HOSTS", ".com", "ALLOWED_HOSTS must be host names like clinic.example"),
        ("ALLOWED_HOSTS", "https://clinic.example", "ALLOWED_HOSTS must be host names like clinic.example"),
        ("ALLOWED_HOSTS", "clinic.example:8000", "ALLOWED_HOSTS must be host names like clinic.example"),
        ("PHOTO_STORAGE_OPTIONS", "[]", "PHOTO_STORAGE_OPTIONS must be a JSON object"),
        ("EMAIL_ALLOWED_DOMAINS", "@x.org", "EMAIL_ALLOWED_DOMAINS must be domains like example.org, not '@x.org'"),
        ("DEFAULT_FROM_EMAIL", "nonsense", "DEFAULT_FROM_EMAIL must be an email address, not 'nonsense'"),
        ("DEFAULT_FROM_EMAIL", "a@x.org\nBcc: b@x.org", "DEFAULT_FROM_EMAIL must be an email address, not "),
        ("WEB_WORKERS", "abc", "WEB_WORKERS must be a whole number from 1 to 64, not 'abc'"),
        ("WEB_THREADS", "0", "WEB_THREADS must be a whole number from 1 to 64, not '0'"),
        ("DATA_DIR", "/proc", "DATA_DIR must be a folder that can be written to"),
        ("DATA_DIR", "/dev/null/x", "DATA_DIR must be a folder that can be written to"),
    ],
)
def test_a_wrong_value_is_one_sentence(name, value, sentence, tmp_path):
    result = manage("check", **({"DATA_DIR": str(tmp_path)} | {name: value}))

    # The database is wanted only with its secret; what is wrong comes first.
    assert result.returncode == 1 and result.stdout == ""
    assert "Traceback" not in result.stderr and "hidden" not in result.stderr
    if name == "DATABASE_URL":
        result = manage("check", DATA_DIR=str(tmp_path), SECRET_KEY=SECRET, DATABASE_URL=value)
    assert sentence in result.stderr and result.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("name", "value"),
    [("SITE_URL", "http://clinic.example"), ("ALLOWED_HOSTS", "localhost,clinic.example"), ("HOST", "0.0.0.0")],  # noqa: S104
)
def test_debug_is_refused_where_others_get_in(name, value, tmp_path):
    variables = {"DATA_DIR": str(tmp_path), "DEBUG": "true"}

    result = manage("check", **variables, **{name: value})

    assert "DEBUG must be off where SITE_URL, ALLOWED_HOSTS or HOST name a host like" in result.stderr
    assert result.returncode == 1 and result.stderr.count("\n") == 1
    assert manage("check", **variables).returncode == 0


_SHARED = [("LINK_KEYS", "PHOTO_KEYS"), ("AUDIT_KEYS", "PHOTO_KEYS"), ("PHOTO_FINGERPRINT_KEY", "LINK_KEYS")]


@pytest.mark.parametrize(("name", "other"), _SHARED)
def test_a_secret_serves_one_purpose(name, other, tmp_path):
    result = manage("check", DATA_DIR=str(tmp_path), **{name: f"1:{KEY}", other: f"2:{KEY}"})

    assert "must not be the same secret" in result.stderr and KEY not in result.stderr
    assert name in result.stderr and other in result.stderr and result.returncode == 1


def test_a_folder_for_static_files_that_cannot_be_written_to_is_a_sentence(tmp_path):
    ended = manage("prepare", DATA_DIR=str(tmp_path), STATIC_ROOT="/dev/null/x")

    assert ended.returncode == 1
    assert "STATIC_ROOT must be a folder that can be written to" in ended.stderr and "Traceback" not in ended.stderr


def test_a_database_elsewhere_wants_a_secret(tmp_path):
    result = manage("check", DATA_DIR=str(tmp_path), DATABASE_URL="mysql://u:p@127.0.0.1/z")

    assert "SECRET_KEY or SECRET_KEY_FILE must be set when DATABASE_URL is" in result.stderr


def test_a_database_that_does_not_answer_is_one_sentence(tmp_path):
    pytest.importorskip("MySQLdb")
    result = manage(
        "migrate", DATA_DIR=str(tmp_path), SECRET_KEY=SECRET, DATABASE_URL="mysql://u:hidden@127.0.0.1:1/z"
    )

    assert result.returncode == 1 and result.stderr.startswith("The database cannot be used: ")
    assert result.stderr.count("\n") == 1 and "hidden" not in result.stderr


def test_the_embedded_default_makes_its_own_secret_once(tmp_path):
    for _ in range(2):
        assert manage("check", DATA_DIR=str(tmp_path)).returncode == 0
    key = tmp_path / "secret.key"

    assert key.stat().st_mode & 0o777 == 0o600 and len(key.read_text()) > 40
    assert [file.name for file in tmp_path.iterdir() if file.name.startswith("secret")] == ["secret.key"]


@pytest.mark.parametrize("secret", [SECRET, "$" + SECRET])
def test_a_secret_may_stand_in_a_file(secret, tmp_path):
    (tmp_path / "key").write_text(f"{secret}\n")

    result = manage(
        "shell", "-v0", "-c", "from django.conf import settings; print(settings.SECRET_KEY)",
        DATA_DIR=str(tmp_path), SECRET_KEY_FILE=str(tmp_path / "key"),
    )  # fmt: skip

    assert result.stdout.strip() == secret


def test_reads_database_and_mail_addresses(monkeypatch):
    monkeypatch.setenv("A", "mysql://us%40er:p%2Fw@db.example:3307/clinic")
    monkeypatch.setenv("B", "smtp://user:p%40ss@mail.example/?tls=1")

    assert environment.database("A", None) == {
        "ENGINE": "django.db.backends.mysql",
        "NAME": "clinic",
        "HOST": "db.example",
        "PORT": 3307,
        "USER": "us@er",
        "PASSWORD": "p/w",
    }
    mail = environment.smtp("B", None)
    assert (mail.host, mail.port, mail.user, mail.password) == ("mail.example", 587, "user", "p@ss")
    assert mail.tls and not mail.ssl


@pytest.mark.parametrize(
    "url", ["smtp://h/?tls=1&ssl=1", "smtp://h/?tls=maybe", "smtp://h/?x=1", "smtp://h:x/", "h:25"]
)
def test_refuses_mail_addresses_that_make_no_sense(url, monkeypatch):
    monkeypatch.setenv("MAIL", url)

    with pytest.raises(ImproperlyConfigured, match="MAIL must look like smtp://"):
        environment.smtp("MAIL", None)


def test_a_damaged_database_is_one_sentence(tmp_path):
    (tmp_path / "db.sqlite3").write_text("no database" * 100)

    result = manage("migrate", DATA_DIR=str(tmp_path))

    assert result.returncode == 1 and result.stderr.strip().splitlines() == [
        "The database cannot be used: file is not a database. Check DATABASE_URL."
    ]
