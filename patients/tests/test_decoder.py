"""The process that decodes pictures: its limits, its end, its turns."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.exceptions import ValidationError
from django.core.files.base import ContentFile

from patients.photos import cleaner, cleaning
from patients.tests import pictures


def clean(content):
    return cleaning.clean(ContentFile(content))


def test_a_decoder_that_hangs_is_ended_and_the_next_picture_read(monkeypatch):
    large = pictures.encoded(pictures.picture((1200, 800)))  # more than a pipe holds
    clean(large)
    monkeypatch.setattr(cleaning, "SECONDS_MOST", 1)
    process = cleaning._turns.queue[-1].process
    os.kill(process.pid, signal.SIGSTOP)

    with pytest.raises(ValidationError) as refusal:
        clean(large)
    monkeypatch.undo()

    assert refusal.value.code == "damaged"
    for _ in range(3):
        assert clean(large).read()


def test_a_decoder_killed_by_something_else_costs_no_picture():
    content = pictures.encoded()
    clean(content)
    cleaning._turns.queue[-1].process.kill()
    cleaning._turns.queue[-1].process.wait()

    assert clean(content).read()


def test_a_decoder_that_crashes_costs_only_its_picture(monkeypatch, tmp_path):
    source = Path(cleaner.__file__).read_text()
    crashing = tmp_path / "crashing.py"
    crashing.write_text(source.replace("        _limit()\n", "        _limit()\n        os.abort()\n"))
    monkeypatch.setattr(cleaner, "__file__", str(crashing))
    process = cleaning._Process()
    first, _, _ = process.clean("JPEG", pictures.encoded())
    second, _, _ = process.clean("JPEG", pictures.encoded())
    process.close()

    assert first["refused"] == second["refused"] == "damaged" and first["crashed"]


def test_a_turn_comes_back_whatever_happened_in_it():
    for _ in range(2 * cleaning.AT_ONCE):
        with pytest.raises(RuntimeError), cleaning._turn():
            raise RuntimeError
    assert cleaning._turns.qsize() == cleaning.AT_ONCE


def test_a_decoder_has_hard_limits():
    script = (
        "from patients.photos import cleaner; cleaner._limit(); from resource import *; "
        "print([getrlimit(limit)[1] for limit in (RLIMIT_AS, RLIMIT_CPU, RLIMIT_FSIZE, RLIMIT_NOFILE, RLIMIT_CORE)])"
    )
    printed = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout

    assert printed.strip() == str([cleaner.MEMORY_MOST, cleaner.CPU_SECONDS_MOST, 0, 16, 0])


def test_every_child_runs_under_the_limits(monkeypatch, tmp_path):
    source = Path(cleaner.__file__).read_text()
    telling = tmp_path / "telling.py"
    told = '        os.write(write_end, _result({"limit": resource.getrlimit(resource.RLIMIT_AS)[0]}))\n'
    telling.write_text(source.replace("        _limit()\n", f"        _limit()\n{told}        os._exit(0)\n"))
    monkeypatch.setattr(cleaner, "__file__", str(telling))
    process = cleaning._Process()
    facts, _, _ = process.clean("JPEG", pictures.encoded())
    process.close()

    assert facts == {"limit": cleaner.MEMORY_MOST}


def test_a_decoder_sees_neither_secrets_nor_settings():
    clean(pictures.encoded())
    process = cleaning._turns.queue[-1].process

    assert Path(f"/proc/{process.pid}/environ").read_bytes() == b""
    assert "django" not in Path(f"/proc/{process.pid}/maps").read_text()


def test_waits_its_turn_and_is_told_when_it_does_not_come(monkeypatch):
    monkeypatch.setattr(cleaning, "WAIT_SECONDS", 0.1)
    content = pictures.encoded()
    with cleaning._turn(), cleaning._turn(), pytest.raises(ValidationError) as refusal:
        clean(content)

    assert refusal.value.code == "busy"
    assert clean(content).read()
