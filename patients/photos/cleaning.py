"""Bytes in, safe picture out."""

import atexit
import hashlib
import hmac
import json
import logging
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager, suppress
from pathlib import Path

from django.conf import settings
from django.core.files.base import ContentFile

from patients.photos import cleaner
from patients.photos.inspection import Refused, inspect
from patients.photos.refusals import refusal

AT_ONCE = 2  # pictures that one process has cleaned at the same time
WAIT_SECONDS = 3  # for one's turn
SECONDS_MOST = 10  # for one picture, then its process is killed

logger = logging.getLogger(__name__)


class SafePhoto(ContentFile):
    """A picture that this service made: JPEG, upright, RGB or grey, without metadata.

    `thumbnail` is a smaller one (bytes); `fingerprint` a keyed hash of what was received, in which a repeat shows;
    `hard_to_read` whether somebody should check that its text can be read.
    """

    def __init__(self, picture, thumbnail, fingerprint, *, hard_to_read=False):
        super().__init__(picture, name="photo.jpg")
        self.thumbnail, self.fingerprint, self.hard_to_read = thumbnail, fingerprint, hard_to_read


def clean(file, *, turns=0):
    """Return the SafePhoto made of an uploaded file's picture, turned clockwise by `turns` quarters (0 to 3).

    Raises ValidationError with one of refusals.SENTENCES; nothing that a decoder does gets further.
    """
    if file.size > settings.MAX_PHOTO_BYTES:
        raise refusal("too_large")
    file.seek(0)
    data = file.read()
    if not data:
        raise refusal("empty")
    try:
        kind = inspect(data).format
        if kind not in settings.PHOTO_FORMATS:
            raise Refused("heic" if kind == "HEIC" else "type")
        facts, picture, thumbnail = _decode(kind, data, turns)
        if "crashed" in facts:
            logger.warning("a picture ended its decoder", extra={"error": facts["crashed"]})
        if "refused" in facts:
            raise Refused(facts["refused"])
    except Refused as refused:
        is_heic = data[4:8] == b"ftyp" and refused.code == "damaged"  # there is a better way than another such file
        raise refusal("heic" if is_heic else refused.code) from None
    return SafePhoto(picture, thumbnail, fingerprint(data), hard_to_read=facts["hard_to_read"])


def turned(photo, turns):
    """Return the SafePhoto with a SafePhoto's picture turned clockwise by quarters; it counts as the same one."""
    photo.seek(0)
    facts, picture, thumbnail = _decode("JPEG", photo.read(), turns)
    if "refused" in facts:
        raise refusal(facts["refused"])
    return SafePhoto(picture, thumbnail, photo.fingerprint, hard_to_read=photo.hard_to_read)


def fingerprint(data):
    """Return HMAC-SHA-256 (RFC 2104) of a file, in hex: without the key nobody can test whether it is known here."""
    return hmac.new(settings.PHOTO_FINGERPRINT_KEY.encode(), data, hashlib.sha256).hexdigest()


def _decode(kind, data, turns):
    """Have a cleaner decode the picture; a second one if the first was ended by something else than the picture."""
    started = time.monotonic()
    for _attempt in range(2):
        try:
            with _turn() as process:
                return process.clean(kind, data, turns)
        except Died:
            if time.monotonic() - started > SECONDS_MOST:
                break
    return {"refused": "damaged", "crashed": "ended"}, b"", b""


class Died(Exception):
    """A cleaner ended in the middle of a job."""


class _Process:
    """A running cleaner.py, for one caller at a time."""

    def __init__(self):
        # -I and an empty environment: it sees neither the settings nor the secrets.
        self.process = subprocess.Popen(  # noqa: S603 — our own file, no argument from outside
            [sys.executable, "-I", Path(cleaner.__file__)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={},
            cwd="/",
            start_new_session=True,
        )

    def clean(self, kind, data, turns=0):
        """Return (facts, picture, thumbnail); raise Died when the cleaner took too long or was ended."""
        alarm = threading.Timer(SECONDS_MOST, self._kill)
        alarm.start()
        try:
            self.process.stdin.write(cleaner.JOB.pack(kind.encode().ljust(4), turns, len(data)) + data)
            self.process.stdin.flush()
            lengths = cleaner.RESULT.unpack(self._read(cleaner.RESULT.size))
            facts, picture, thumbnail = map(self._read, lengths)
            return json.loads(facts), picture, thumbnail
        except (EOFError, BrokenPipeError):
            raise Died from None
        finally:
            alarm.cancel()

    def _read(self, length):
        data = self.process.stdout.read(length)
        if len(data) < length:
            raise EOFError
        return data

    @property
    def is_alive(self):
        return self.process.poll() is None

    def _kill(self):
        if self.process.returncode is None:  # else its pid may be another's by now
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)  # it and the child that it may have

    def close(self):
        self._kill()
        self.process.wait()
        with suppress(BrokenPipeError):
            self.process.stdin.close()  # sends what is left of a job that nobody will do
        self.process.stdout.close()


_turns = queue.LifoQueue()
for _ in range(AT_ONCE):
    _turns.put(None)


@contextmanager
def _turn():
    """Wait for one's turn and lend a running cleaner."""
    try:
        process = _turns.get(timeout=WAIT_SECONDS)
    except queue.Empty:
        raise refusal("busy") from None
    try:
        if process and not process.is_alive:
            process.close()
            process = None
        process = process or _Process()
        yield process
    except BaseException:
        # In the middle of a job its answers belong to nobody.
        if process:
            process.close()
            process = None
        raise
    finally:
        _turns.put(process)


@atexit.register
def _close_all():
    while not _turns.empty():
        if process := _turns.get_nowait():
            process.close()
