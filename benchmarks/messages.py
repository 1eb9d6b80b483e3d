"""How messages fare: throughput beside a bare SMTP loop, delay, and what is lost or sent twice while things die.

Run: .venv/bin/python -m benchmarks.messages [SCENARIO ...]
on SQLite, or with DATABASE_URL (and SECRET_KEY) on a MySQL-family server; the scenario `database` starts a MariaDB.
"""

import asyncio
import base64
import collections
import http.client
import itertools
import os
import random
import secrets
import signal
import smtplib
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from email.parser import BytesHeaderParser
from pathlib import Path

os.environ.setdefault("DATA_DIR", tempfile.mkdtemp())
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "registration.settings")

import django  # noqa: E402

django.setup()

from aiosmtpd.controller import Controller  # noqa: E402

from patients.tests import pictures  # noqa: E402
from patients.tests.service import ROOT, Service, free_port, wait_until  # noqa: E402

REGISTER = """
import time
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from patients.models import Patient
from patients.photos import cleaning, storage
storage.has_room = lambda: True
photo = cleaning.clean(SimpleUploadedFile("x", open({photo!r}, "rb").read()))
user = User.objects.get(username="reception")
for count in range({first}, {first} + {count}):
    patient = Patient(full_name="Ana", email=f"p{{count}}@example.org", phone="+12025550123", document_photo=photo)
    patient.register(by=user, source="api")
    print(patient.email, time.time(), flush=True)
    time.sleep({pause})
"""


class Sink:
    """An SMTP server that counts; `mode` is what it does: accept, 451, 550, hang, tar pit or no verdict."""

    def __init__(self):
        self.mode, self.mails, self.port = "accept", [], free_port()
        self.controller = None

    def start(self):
        self.controller = Controller(self, hostname="127.0.0.1", port=self.port)
        self.controller.start()
        return self

    def stop(self):
        if self.controller.server:
            self.controller.stop()

    async def handle_MAIL(self, server, session, envelope, address, options):
        await asyncio.sleep({"hang": 3600, "tar pit": 5}.get(self.mode, 0))
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(self, server, session, envelope, address, options):
        if self.mode in ("451", "550"):
            return f"{self.mode} no"
        await asyncio.sleep(5 if self.mode == "tar pit" else 0)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        await asyncio.sleep(3600 if self.mode == "no verdict" else 0)
        headers = BytesHeaderParser().parsebytes(envelope.content)
        self.mails.append((envelope.rcpt_tos[0], headers["Message-ID"].strip(), time.time()))
        return "250 OK"


class Trial:
    """A service, a sink and a folder."""

    def __init__(self, **variables):
        self.folder = tempfile.TemporaryDirectory()
        self.sink = Sink().start()
        self.photo = Path(self.folder.name) / "photo.jpg"
        self.photo.write_bytes(pictures.encoded(pictures.picture((520, 320))))
        self.service = Service(
            Path(self.folder.name) / "data", EMAIL_URL=f"smtp://127.0.0.1:{self.sink.port}", **variables
        )

    def __enter__(self):
        self.service.__enter__()
        return self

    def __exit__(self, *exception):
        self.service.__exit__(*exception)
        self.sink.stop()
        self.folder.cleanup()

    def register(self, count, first=0):
        """Register so many; return {address: when it was committed}."""
        printed = self.service.manage("shell", "-v0", "-c", self._script(count, first), seconds=600)
        return {address: float(when) for address, when in map(str.split, printed.splitlines())}

    def _script(self, count, first, pause=0):
        return REGISTER.format(photo=str(self.photo), first=first, count=count, pause=pause)

    def keep_registering(self, stop):
        """Register through the API from two threads until told to stop; return what they note, and they."""
        token = self.service.token()
        photo = base64.b64encode(self.photo.read_bytes()).decode()
        acknowledged, statuses, count = {}, collections.Counter(), itertools.count()

        def register():
            while not stop.is_set():
                body = {"full_name": "Ana", "email": f"q{next(count)}@example.org", "phone": "+12025550123"}
                try:
                    status, _ = self.service.call("/api/v1/patients/", body | {"document_photo": photo}, token=token)
                except (OSError, http.client.HTTPException):
                    status = "no answer"  # of a web worker that was killed
                statuses[status] += 1
                if status == 201:
                    acknowledged[body["email"]] = time.time()

        threads = [threading.Thread(target=register) for _ in range(2)]
        for thread in threads:
            thread.start()
        return acknowledged, statuses, threads

    def arrived(self):
        return {address for address, _, _ in self.sink.mails}

    def wait_for(self, addresses, seconds):
        started = time.monotonic()
        wait_until(lambda: set(addresses) <= self.arrived(), seconds)
        return time.monotonic() - started

    def extra(self):
        return len(self.sink.mails) - len(self.arrived())

    def processes(self, *names):
        found = []
        for pid in self.service.processes():
            try:
                line = Path(f"/proc/{pid}/cmdline").read_bytes()
            except OSError:
                continue
            if any(name in line for name in names):
                found.append(pid)
        return found

    def pause_worker(self):
        """Stop the mailworker and its cluster; return a function that starts another."""
        self.service.stop()

        def resume():
            self.service.start()

        return resume


def throughput():
    count = 1000
    with Trial() as trial:
        resume = trial.pause_worker()
        trial.register(count)
        loop = Sink().start()
        client = smtplib.SMTP("127.0.0.1", loop.port)
        started = time.monotonic()
        for number in range(count):
            client.sendmail(
                "a@example.org", [f"p{number}@example.org"], f"Message-ID: <{number}@x>\n\n" + ("x" * 70 + "\n") * 25
            )
        bare = count / (time.monotonic() - started)
        client.quit()
        loop.stop()
        resume()
        wait_until(lambda: len(trial.sink.mails) >= count, 120)
        times = sorted(when for _, _, when in trial.sink.mails)
        ours = len(times) / (times[-1] - times[0])
        ids = {message_id for _, message_id, _ in trial.sink.mails}
    print(f"throughput: {ours:.0f} mails/s, bare loop over one connection {bare:.0f}: × {ours / bare:.2f}")
    print(f"  {len(times)} mails, {len(ids)} Message-IDs, {len(times) - len(ids)} twice")


def delay():
    with Trial() as trial:
        delays = []
        for number in range(40):
            committed = trial.register(1, number)
            trial.wait_for(committed, 10)
            (address,) = committed
            delays.append(next(when for to, _, when in trial.sink.mails if to == address) - committed[address])
    delays.sort()
    print(f"commit → SMTP when idle: p50 {statistics.median(delays) * 1000:.0f} ms, p95 {delays[37] * 1000:.0f} ms")


def two_clusters():
    with Trial() as trial:
        second = subprocess.Popen(
            [ROOT / ".venv/bin/python", "manage.py", "mailworker"], cwd=ROOT, env=trial.service.environ
        )
        time.sleep(3)
        committed = trial.register(1000)
        trial.wait_for(committed, 60)
        time.sleep(3)
        second.terminate()
        second.wait(60)
        ids = collections.Counter(message_id for _, message_id, _ in trial.sink.mails)
        print(f"two clusters, 1,000 registrations: {len(trial.sink.mails)} mails, {len(ids)} Message-IDs")


def kills(seconds=60):
    """kill -9 of cluster, workers and web workers, at random, while patients are registered through the API.

    Not of the mailworker and gunicorn's main process, whose supervisor is script/server: it ends with them.
    """
    with Trial() as trial:
        stop = threading.Event()
        acknowledged, statuses, threads = trial.keep_registering(stop)
        count, end = 0, time.monotonic() + seconds
        while time.monotonic() < end:
            time.sleep(random.uniform(1, 4))
            main = min(trial.processes(b"gunicorn"), default=0)
            victims = [pid for pid in trial.processes(b"qcluster", b"gunicorn") if pid != main]
            if victims:
                os.kill(random.choice(victims), signal.SIGKILL)
                count += 1
        stop.set()
        for thread in threads:
            thread.join()
        took = trial.wait_for(acknowledged, 200)
        lost = set(acknowledged) - trial.arrived()
        print(
            f"{count} kill -9 in {seconds} s: {len(acknowledged)} acknowledged, {len(lost)} lost, {trial.extra()} "
            f"extra mails; the last arrived {took:.0f} s after the end; answers {dict(statuses)}"
        )


def outages():
    for mode in ("refusing", "451", "550", "hang", "tar pit", "no verdict"):
        with Trial() as trial:
            if mode == "refusing":
                trial.sink.stop()
            else:
                trial.sink.mode = mode
            started = time.monotonic()
            committed = trial.register(1000)
            took = time.monotonic() - started
            time.sleep(20)
            trial.sink.mode = "accept"
            if mode == "refusing":
                trial.sink.start()
            if mode == "550":
                print(f"{mode}: 1,000 registered in {took:.0f} s; failed visibly, {len(trial.sink.mails)} sent")
                continue
            recovery = trial.wait_for(committed, 240)
            print(f"{mode}: 1,000 registered in {took:.0f} s; all sent {recovery:.0f} s after recovery")


def database():
    """MariaDB killed, and away for ten seconds, while patients are being registered."""
    with tempfile.TemporaryDirectory() as folder:
        port = free_port()
        options = ["--no-defaults", "--user=root", f"--datadir={folder}/data"]
        subprocess.run(["mariadb-install-db", *options, "--skip-test-db"], check=True, stdout=subprocess.DEVNULL)

        def start():
            server = subprocess.Popen(
                ["mariadbd", *options, f"--socket={folder}/socket", f"--port={port}", "--bind-address=127.0.0.1"],
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            )  # fmt: skip
            wait_until(lambda: sql("SELECT 1").returncode == 0, 30)
            return server

        def sql(statement):
            return subprocess.run(
                ["mariadb", "--no-defaults", f"--socket={folder}/socket", "-uroot", "-e", statement],
                capture_output=True,
            )

        server = start()
        sql("CREATE DATABASE clinic CHARACTER SET utf8mb4; CREATE USER c@'127.0.0.1' IDENTIFIED BY 'c'")
        sql("GRANT ALL ON *.* TO c@'127.0.0.1'")
        variables = {"DATABASE_URL": f"mysql://c:c@127.0.0.1:{port}/clinic", "SECRET_KEY": secrets.token_hex(32)}
        trial = Trial(**variables)
        from patients.tests import service as service_module

        trial.service.manage("migrate", "-v0")
        trial.service.manage("shell", "-v0", "-c", service_module._STAFF)
        trial.service.database = None
        trial.service.accounts = {}
        (trial.service.folder / "demo-accounts.txt").write_text("reception x\n")
        with trial:
            stop = threading.Event()
            acknowledged, statuses, threads = trial.keep_registering(stop)
            for _ in range(3):
                time.sleep(5)
                server.kill()
                server.wait()
                time.sleep(10)
                server = start()
            stop.set()
            for thread in threads:
                thread.join()
            took = trial.wait_for(acknowledged, 180)
            print(
                f"database killed 3 times, 10 s each: {len(acknowledged)} acknowledged, all there {took:.0f} s later; "
                f"{trial.extra()} extra mails; answers {dict(statuses)}"
            )
        server.terminate()
        server.wait()


SCENARIOS = [throughput, delay, two_clusters, outages, kills, database]

if __name__ == "__main__":
    for scenario in SCENARIOS:
        if len(sys.argv) == 1 or scenario.__name__ in sys.argv:
            scenario()
