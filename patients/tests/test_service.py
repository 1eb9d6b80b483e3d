"""The service from outside: script/server, gunicorn, the worker and the inbox as real processes."""

import os
import signal
import socket
import subprocess
import time
from datetime import timedelta
from pathlib import Path

import pytest

from patients.messages.delivery import LEASE
from patients.tests.canaries import found_in
from patients.tests.service import ROOT, Service, free_port, wait_until


@pytest.fixture
def patient(ana):
    """Return a function that gives what the API is sent, with another address each time."""
    count = iter(range(1000))
    run = os.urandom(4).hex()
    return lambda: ana | {"email": f"ana.{run}.{next(count)}@example.org"}


def test_a_registration_ends_as_a_mail_in_the_inbox(service, patient):
    token, body = service.token(), patient()

    status, answer = service.call("/api/v1/patients/", body, token=token)

    assert status == 201
    (mail,) = wait_until(lambda: [mail for mail in service.mails() if mail["To"] == body["email"]], 10)
    assert answer["number"].encode() in mail.as_bytes()
    path = f"/api/v1/patients/{answer['number']}/"
    wait_until(lambda: service.call(path, token=token)[1]["confirmation"]["status"] == "sent", 5)
    status, photo = service.call(f"{path}document-photo/", token=token)
    assert status == 200 and photo.startswith(b"\xff\xd8\xff")


def test_prints_where_it_is_and_is_healthy(service):
    assert f"Front desk   {service.url}/" in service.output()
    assert service.call("/livez")[0] == service.call("/readyz")[0] == 200
    assert service.call("/api/docs/")[0] == service.call("/static/style.css")[0] == 200


@pytest.mark.slow
def test_a_second_instance_runs_beside_it_but_not_on_its_port(service, tmp_path):
    taken = subprocess.run(
        ["script/server"], cwd=ROOT, env=service.environ, capture_output=True, text=True, timeout=60
    )
    assert taken.returncode != 0 and f"Port {service.port} of 127.0.0.1" in taken.stderr
    assert "Traceback (most" not in taken.stdout + taken.stderr

    with Service(tmp_path / "second") as second:
        assert second.call("/readyz")[0] == service.call("/readyz")[0] == 200


@pytest.mark.parametrize(("name", "value"), [("DATA_DIR", "/dev/null/x"), ("DATABASE_URL", "mysql://nonsense")])
def test_what_cannot_work_is_a_sentence(name, value, service, tmp_path):
    environ = service.environ | {"DATA_DIR": str(tmp_path / "x"), "PORT": str(free_port()), name: value}
    result = subprocess.run(["script/server"], cwd=ROOT, env=environ, capture_output=True, text=True, timeout=60)

    assert result.returncode != 0 and name in result.stderr and result.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("number", "group"),
    [
        pytest.param(signal.SIGTERM, False, id="SIGTERM"),
        pytest.param(signal.SIGINT, True, id="Ctrl-C", marks=pytest.mark.slow),
    ],
)
def test_stops_wholly_and_keeps_everything(number, group, tmp_path, patient):
    service = Service(tmp_path / "data")
    with service:
        token, body = service.token(), patient()
        status, answer = service.call("/api/v1/patients/", body, token=token)
        assert status == 201

        assert service.stop(number, group=group) < 10
        wait_until(lambda: service.processes() == [], 1)

        service.start()
        assert service.call(f"/api/v1/patients/{answer['number']}/", token=token)[1]["email"] == body["email"]
        wait_until(service.mails, 10)
        time.sleep(0.5)
        assert len(service.mails()) == 1


@pytest.mark.slow
def test_without_a_worker_a_registration_waits_for_it(tmp_path, patient):
    with Service(tmp_path / "data") as service:
        token, body = service.token(), patient()
        service.stop()
        web = subprocess.Popen(
            [ROOT / ".venv/bin/gunicorn", "--config", "python:registration.gunicorn", "registration.wsgi"],
            cwd=ROOT,
            env=service.environ,
        )
        try:
            wait_until(lambda: _answers(service), 20)
            status, answer = service.call("/api/v1/patients/", body, token=token)
        finally:
            web.terminate()
            web.wait(10)
        assert status == 201 and answer["confirmation"]["status"] == "queued" and service.mails() == []

        service.start()
        (mail,) = wait_until(service.mails, 15)
        assert mail["To"] == body["email"]


def _answers(service):
    try:
        return service.call("/livez")[0] == 200
    except OSError:
        return False


def processes_named(service, name):
    """Return the pids of the instance's processes with this in their command line."""
    return [pid for pid in service.processes() if name in Path(f"/proc/{pid}/cmdline").read_bytes()]


@pytest.mark.slow
def test_a_worker_whose_processes_are_killed_goes_on(service, patient):
    token = service.token()
    for victims in (slice(0, 1), slice(1, 2), slice(2, 4), slice(None)):
        for pid in processes_named(service, b"qcluster")[victims]:
            os.kill(pid, signal.SIGKILL)
        sent = []
        for _ in range(6):
            body = patient()
            assert service.call("/api/v1/patients/", body, token=token)[0] == 201
            sent.append(body["email"])
        # Mostly at once; but what was claimed by a worker when it was killed, only when its claim has expired.
        most = (LEASE + timedelta(seconds=60)).total_seconds()
        wait_until(lambda sent=sent: set(sent) <= {mail["To"] for mail in service.mails()}, most)


@pytest.mark.slow
def test_the_mailworker_ends_in_order_when_its_whole_group_is_told(service, tmp_path):
    for number in (signal.SIGTERM, signal.SIGINT):
        environ = service.environ | {"EMAIL_URL": "smtp://127.0.0.1:1"}
        worker = subprocess.Popen(
            [ROOT / ".venv/bin/python", "manage.py", "mailworker"], cwd=ROOT, env=environ, start_new_session=True
        )
        before = set(service.processes()) - {worker.pid}
        wait_until(lambda before=before: len(set(processes_named(service, b"qcluster")) - before) > 3, 15)
        os.killpg(worker.pid, number)
        assert worker.wait(15) == 0
        wait_until(lambda before=before: len(set(service.processes()) - before) == 0, 5)


def test_a_killed_mailworker_leaves_no_cluster_behind(service):
    environ = service.environ | {"EMAIL_URL": "smtp://127.0.0.1:1"}
    before = len(processes_named(service, b"qcluster"))
    worker = subprocess.Popen([ROOT / ".venv/bin/python", "manage.py", "mailworker"], cwd=ROOT, env=environ)
    wait_until(lambda: len(processes_named(service, b"qcluster")) > before + 3, 15)

    worker.kill()
    worker.wait()

    wait_until(lambda: len(processes_named(service, b"qcluster")) <= before, 15)


@pytest.mark.slow
def test_a_server_killed_during_an_upload_leaves_nothing_of_it(tmp_path):
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    with Service(tmp_path / "data", TMPDIR=str(temporary)) as service:
        token = service.token()
        upload = socket.create_connection(("127.0.0.1", service.port))
        upload.sendall(
            b"POST /api/v1/patients/ HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 9000000\r\n"
            b"Content-Type: multipart/form-data; boundary=x\r\nAuthorization: Bearer " + token.encode() + b"\r\n\r\n"
            b'--x\r\nContent-Disposition: form-data; name="document_photo"; filename="a.jpg"\r\n\r\n'
            + b"\xff\xd8"
            * 2_000_000
        )
        time.sleep(1)
        for pid in processes_named(service, b"gunicorn"):
            os.kill(pid, signal.SIGKILL)
        upload.close()
        wait_until(lambda: service.process.poll() is not None, 15)

        assert list(temporary.iterdir()) == []
        assert [file for file in (service.folder / "media").rglob("*") if file.is_file()] == []


def test_a_message_that_lost_its_job_is_found_and_sent(service, patient):
    token, body = service.token(), patient()
    assert service.call("/api/v1/patients/", body, token=token)[0] == 201
    wait_until(lambda: [mail for mail in service.mails() if mail["To"] == body["email"]], 15)

    told = service.manage(
        "shell", "-v0", "-c",
        "from datetime import UTC, datetime; from patients.models import *; due = datetime(2026, 1, 1, tzinfo=UTC); "
        "Message.objects.create(patient=Patient.objects.last(), channel='email', next_attempt_at=due); "
        "Chore.objects.all().delete(); print(Heartbeat.alive().count())",
    )  # fmt: skip

    assert int(told) >= 1
    wait_until(lambda: len([mail for mail in service.mails() if mail["To"] == body["email"]]) == 2, 60)


def test_nobody_is_named_in_what_it_logs(service, patient):
    token, body = service.token(), patient()
    number = service.call("/api/v1/patients/", body, token=token)[1]["number"]
    for path, method, sent in (
        (f"/api/v1/patients/{number}/", "PATCH", {"email": "ana"}),
        (f"/api/v1/patients/?search={body['email']}", "GET", None),
        (f"/nowhere/{body['email']}", "GET", None),
        ("/api/v1/patients/", "POST", body),
    ):
        assert service.call(path, sent, token=token, method=method)[0] in (200, 400, 404, 409)
    with socket.create_connection(("127.0.0.1", service.port)) as odd:
        odd.sendall(b"GET /?search=nandu HTTP/9.9\r\n\r\n")
        odd.recv(100)

    assert not found_in(service.output())


@pytest.mark.slow
def test_stops_within_ten_seconds_while_the_mail_server_hangs(tmp_path, patient):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"smtp://127.0.0.1:{silent.getsockname()[1]}"
        with Service(tmp_path / "data", EMAIL_URL=url) as service:
            assert service.call("/api/v1/patients/", patient(), token=service.token())[0] == 201
            time.sleep(1)

            assert service.stop() < 10
            wait_until(lambda: service.processes() == [], 1)
