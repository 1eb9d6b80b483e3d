"""Reads the environment strictly: a value that makes no sense is a sentence at start-up, never a surprise later.

Every reader takes the variable's name and its default, treats an empty value as unset, honours `NAME_FILE` (a
file that holds the value, as Docker secrets do) and raises ImproperlyConfigured with a sentence.
"""

import base64
import json
import os
import re
import secrets
import tempfile
from email.utils import parseaddr
from pathlib import Path
from typing import NamedTuple
from urllib.parse import parse_qsl, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.core.validators import validate_domain_name, validate_email

_FLAGS = {"true": True, "1": True, "yes": True, "on": True, "false": False, "0": False, "no": False, "off": False}


def text(name, default=""):
    value = os.environ.get(name, "").strip()
    if not value and (file := os.environ.get(f"{name}_FILE")):
        try:
            value = Path(file).read_text().strip()
        except (OSError, UnicodeDecodeError) as error:
            raise ImproperlyConfigured(f"{name}_FILE must name a readable text file: {error}") from None
    return value or default


def flag(name, default):
    value = text(name)
    if value and value.lower() not in _FLAGS:
        raise ImproperlyConfigured(f"{name} must be true or false, not {value!r}")
    return _FLAGS[value.lower()] if value else default


def number(name, default, *, least, most):
    value = text(name)
    if not value:
        return default
    if not re.fullmatch(r"\d{1,18}", value, re.ASCII) or not least <= int(value) <= most:
        raise ImproperlyConfigured(f"{name} must be a whole number from {least} to {most}, not {value!r}")
    return int(value)


def words(name, default=(), *, choices=None):
    """Return a comma-separated list; with `choices`, every word must be one of them."""
    found = [word.strip() for word in text(name).split(",") if word.strip()] or list(default)
    for word in found:
        if choices and word not in choices:
            raise ImproperlyConfigured(f"{name} must be chosen from {', '.join(choices)}, not {word!r}")
    return found


def hosts(name, default):
    """Return a list of host names, with a dot before one for its subdomains, too.

    One for all, or for all of .com, is refused: links and redirects would lead wherever a request says.
    """
    found, label = words(name, default), "[a-z0-9_-]+"
    for word in found:
        if not re.fullmatch(rf"{label}(\.{label})*\.?|(\.{label}){{2,}}|\[[0-9a-f:.]+\]", word, re.IGNORECASE):
            raise ImproperlyConfigured(f"{name} must be host names like clinic.example, without port, not {word!r}")
    return found


def domains(name):
    """Return a list of domain names in lower case."""
    found = [word.lower() for word in words(name)]
    for word in found:
        try:
            validate_domain_name(word)
        except ValidationError:
            raise ImproperlyConfigured(f"{name} must be domains like example.org, not {word!r}") from None
    return found


def sender(name, default):
    """Return an email address, with or without a name before it."""
    value = text(name, default)
    try:
        if not value.isprintable():  # a line break would end the header
            raise ValidationError("")
        validate_email(parseaddr(value)[1])
    except ValidationError:
        raise ImproperlyConfigured(f"{name} must be an email address, not {value!r}") from None
    return value


def choice(name, default, choices):
    value = text(name, default)
    if value not in choices:
        shown = ", ".join(sorted(choices)) if len(choices) < 12 else "the known ones"
        raise ImproperlyConfigured(f"{name} must be one of {shown}, not {value!r}")
    return value


def mapping(name):
    """Return a dictionary from a JSON object."""
    try:
        value = json.loads(text(name) or "{}")
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise ImproperlyConfigured(f"{name} must be a JSON object")
    return value


def pattern(name):
    """Return a compiled regular expression, or None when unset."""
    try:
        return re.compile(text(name)) if text(name) else None
    except re.error as error:
        raise ImproperlyConfigured(f"{name} must be a regular expression: {error}") from None


def site_url(name, default):
    """Return an http(s) origin without a trailing slash."""
    value = text(name, default).rstrip("/")
    try:
        parts = urlsplit(value)
        parts.port  # noqa: B018 — reading it is what validates it
    except ValueError:
        parts = urlsplit("")
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.path or parts.query or parts.username:
        raise ImproperlyConfigured(f"{name} must look like https://clinic.example, not {value!r}")
    return value


def database(name, sqlite_file):
    """Return Django's database settings from `mysql://user:password@host:port/name` or `sqlite:///file`."""
    value = text(name)
    if not value:
        return {"ENGINE": "django.db.backends.sqlite3", "NAME": sqlite_file}
    # The value itself is never repeated: it holds a password.
    hint = f"{name} must look like mysql://user:password@host:3306/database or sqlite:////folder/file.sqlite3"
    try:
        parts = urlsplit(value)
        port = parts.port
    except ValueError:
        raise ImproperlyConfigured(hint) from None
    path = unquote(parts.path[1:])
    if parts.scheme == "sqlite" and path and not parts.netloc:
        return {"ENGINE": "django.db.backends.sqlite3", "NAME": path}
    if parts.scheme == "mysql" and parts.hostname and path and "/" not in path:
        return {
            "ENGINE": "django.db.backends.mysql",
            "NAME": path,
            "HOST": parts.hostname,
            "PORT": port or 3306,
            "USER": unquote(parts.username or ""),
            "PASSWORD": unquote(parts.password or ""),
        }
    raise ImproperlyConfigured(hint)


class Smtp(NamedTuple):
    host: str
    port: int
    user: str
    password: str
    tls: bool
    ssl: bool


def smtp(name, default):
    """Return an Smtp from `smtp://user:password@host:587/?tls=1` (or `?ssl=1`)."""
    hint = f"{name} must look like smtp://user:password@host:587/?tls=1"
    try:
        parts = urlsplit(text(name, default))
        port = parts.port
        options = dict(parse_qsl(parts.query, strict_parsing=True)) if parts.query else {}
    except ValueError:
        raise ImproperlyConfigured(hint) from None
    known = set(options) <= {"tls", "ssl"} and set(options.values()) <= set(_FLAGS)
    tls, ssl = (_FLAGS.get(options.get(option, "0"), False) for option in ("tls", "ssl"))
    if parts.scheme != "smtp" or not parts.hostname or parts.path not in ("", "/") or not known or (tls and ssl):
        raise ImproperlyConfigured(hint)
    return Smtp(
        host=parts.hostname,
        port=port or (587 if tls else 465 if ssl else 25),
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        tls=tls,
        ssl=ssl,
    )


def sms(name):
    """Return the address of a text message provider, `https://account:token@host/path?from=+12025550188`, or ""."""
    value = text(name)
    hint = f"{name} must look like https://account:token@host/path?from=+12025550188"
    try:
        parts = urlsplit(value)
        parts.port  # noqa: B018 — reading it is what validates it
    except ValueError:
        raise ImproperlyConfigured(hint) from None
    sender = dict(parse_qsl(parts.query.replace("+", "%2B"))).get("from", "")
    if value and not (
        parts.scheme in ("http", "https") and parts.hostname and re.fullmatch(r"\+\d{6,15}|\w{3,11}", sender)
    ):
        raise ImproperlyConfigured(hint)
    return value


_PLACEHOLDER = re.compile(r"change.?me|placeholder|insecure|example|secret.?key|password", re.IGNORECASE)


def secret(name, file, *, made_when_missing):
    """Return a secret of at least 32 characters; on the embedded default one is made once, in `file`, mode 0600."""
    value = text(name)
    if not value:
        if not made_when_missing:
            raise ImproperlyConfigured(f"{name} or {name}_FILE must be set when DATABASE_URL is")
        value = file.read_text().strip() if file.exists() else _make_secret(file, secrets.token_urlsafe(48))
    return _random(name, value)


def older_secrets(name):
    """Return the secrets that were used before, separated by commas, which are still believed for a while."""
    return [_random(name, value) for value in words(name)]


def _random(name, value):
    if len(value) < 32 or len(set(value)) < 8 or _PLACEHOLDER.search(value):
        raise ImproperlyConfigured(f"{name} must be at least 32 random characters, not a placeholder")
    return value


def keys(name, file):
    """Return [(key's name, 32 bytes), ...], the current one first, from `name:base64` words; made once when unset."""
    value = text(name)
    if not value:
        made = f"{secrets.token_hex(4)}:{base64.b64encode(secrets.token_bytes(32)).decode()}"
        value = file.read_text() if file.exists() else _make_secret(file, made)
    found = [
        re.fullmatch(r"([A-Za-z0-9_-]{1,32}):([A-Za-z0-9+/]{43}=)", word)
        for word in re.split(r"[\s,]+", value.strip())
    ]
    if not all(found) or len({match[1] for match in found}) < len(found):
        raise ImproperlyConfigured(f"{name} must be words like 2026a:<base64 of 32 random bytes>, each name once")
    pairs = [(match[1], base64.b64decode(match[2])) for match in found]
    if any(len(set(key)) < 12 for _name, key in pairs):
        raise ImproperlyConfigured(f"{name} must be random, not placeholders: openssl rand -base64 32 makes a key")
    return pairs


def refuse_shared(**values):
    """Refuse a secret that serves two purposes: who learns it for one has it for the other."""
    names = {}
    for name, value in values.items():
        for one in [value] if isinstance(value, str) else value:
            key = one[1] if isinstance(one, tuple) else _bytes_of(one)
            if names.setdefault(key, name) != name:
                raise ImproperlyConfigured(f"{name} and {names[key]} must not be the same secret")


def _bytes_of(text):
    """Return the 32 bytes that a text like those of keys() stands for, or else the text's own."""
    match = re.fullmatch(r"([A-Za-z0-9_-]{1,32}:)?([A-Za-z0-9+/]{43}=)", text)
    return base64.b64decode(match[2]) if match else text.encode()


def refuse_debug_in_public(debug, hosts):
    """Refuse DEBUG, which shows patients' data to whoever causes an error, where others than this machine get in."""
    public = [host for host in hosts if not re.fullmatch(r"localhost|127\.[\d.]+|\[?::1\]?|.*\.localhost", host)]
    if debug and public:
        raise ImproperlyConfigured(
            f"DEBUG must be off where SITE_URL, ALLOWED_HOSTS or HOST name a host like {public[0]}"
        )


def _make_secret(file, value):
    # Written aside and linked into place, so that two processes starting together agree on one whole file.
    aside = file.with_name(f"{file.name}.{os.getpid()}")
    aside.touch(mode=0o600)
    aside.write_text(value)
    try:
        os.link(aside, file)
    except FileExistsError:
        pass  # another process was first; its secret counts
    finally:
        aside.unlink()
    return file.read_text()


def file(name, default):
    """Return an absolute path in a folder that exists."""
    path = Path(text(name, str(default))).absolute()
    if not path.parent.is_dir() or path.is_dir():
        raise ImproperlyConfigured(f"{name} must be a file in a folder that exists, not {path}")
    return path


def folder(name, default):
    """Return a directory's absolute path, made (mode 0700) when missing; it must be writable."""
    path = Path(text(name, str(default))).absolute()
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=path).close()  # its mode doesn't tell: root may write to what takes no files
    except OSError as error:
        raise ImproperlyConfigured(f"{name} must be a folder that can be written to: {error}") from None
    return path
