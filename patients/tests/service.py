"""The whole service as its users start it: script/server, with real processes, a database and an inbox of its own."""

import json
import mailbox
import os
import re
import secrets
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
import uuid
from contextlib import suppress
from pathlib import Path

from django.conf import settings
from django.db import connection

ROOT = Path(__file__).parents[2]


def free_port():
    """Return a port that is free, and below those that the kernel hands out to whoever asks for any."""
    while True:
        port = 20_000 + secrets.randbelow(12_000)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


class Service:
    """One instance; `with` starts and stops it."""

    def __init__(self, folder, port=None, **variables):
        self.folder, self.port = Path(folder), port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.environ = {
            "PATH": os.environ["PATH"],
            "HOME": os.environ.get("HOME", "/"),
            "DATA_DIR": str(self.folder),
            "PORT": str(self.port),
            "LANG": "C.UTF-8",
            **variables,
        }
        self.database = None
        if connection.vendor == "mysql" and "DATABASE_URL" not in variables:
            self.database = f"test_service_{uuid.uuid4().hex[:12]}"
            self.environ["SECRET_KEY"] = uuid.uuid4().hex * 2
            self.environ["DATABASE_URL"] = _url_of(self.database)

    def remove(self):
        if self.database:
            _on_server(f"DROP DATABASE {self.database}")

    def manage(self, *arguments, seconds=60):
        """Run manage.py on this instance and return what it prints."""
        command = [ROOT / ".venv/bin/python", "manage.py", *arguments]
        return subprocess.run(
            command, cwd=ROOT, env=self.environ, check=True, stdout=subprocess.PIPE, text=True, timeout=seconds
        ).stdout

    def start(self):
        with self.folder.with_suffix(".log").open("w") as log:
            self.process = subprocess.Popen(
                ["script/server"],
                cwd=ROOT,
                env=self.environ,
                stdout=log,
                stderr=log,
                start_new_session=True,
                # As from a terminal, though the tests may run in the background, where a shell ignores Ctrl-C.
                preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
            )
        try:
            wait_until(lambda: "Ctrl-C stops it" in self.output() or self.process.poll() is not None, 60)
        except AssertionError:
            self.stop()
            raise
        if self.process.poll() is not None:
            raise AssertionError(f"script/server ended: {self.output()}")
        return self

    def output(self):
        return self.folder.with_suffix(".log").read_text()

    def stop(self, number=signal.SIGTERM, *, group=False):
        """Send the signal, as a supervisor or (to the whole group) a terminal does; return the seconds it took."""
        started = time.monotonic()
        (os.killpg if group else os.kill)(self.process.pid, number)
        self.process.wait(timeout=15)
        return time.monotonic() - started

    def __enter__(self):
        if self.database:
            _on_server(f"CREATE DATABASE {self.database} CHARACTER SET utf8mb4")
        self.start()
        try:
            self.accounts = self._accounts()
        except BaseException:
            self.__exit__()
            raise
        return self

    def _accounts(self):
        """Return {user name: password}: of those that an embedded database has from the start, or of new ones."""
        if self.database:
            self.manage("shell", "-v0", "-c", _STAFF)
            return {"reception": "reception-password", "admin": "admin-password"}
        return dict(line.split() for line in (self.folder / "demo-accounts.txt").read_text().splitlines())

    def __exit__(self, *exception):
        if self.process.poll() is None:
            self.stop()
        self.remove()

    def processes(self):
        """Return the pids of everything that runs with this instance's DATA_DIR."""
        marker = f"DATA_DIR={self.folder}".encode()
        found = []
        for process in Path("/proc").glob("[0-9]*"):
            try:
                if marker in (process / "environ").read_bytes().split(b"\0"):
                    found.append(int(process.name))
            except OSError:
                continue
        return found

    def token(self, username="reception"):
        return self.manage("create_api_token", username).strip()

    def call(self, path, body=None, *, token=None, method=None):
        """Call the API; return the status and the JSON (or the bytes) of the answer."""
        headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
        data = json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(self.url + path, data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=30) as response:
                status, content, kind = response.status, response.read(), response.headers["Content-Type"]
        except urllib.error.HTTPError as error:
            with error:
                status, content, kind = error.code, error.read(), error.headers["Content-Type"]
        return status, json.loads(content) if "json" in kind else content

    def mails(self):
        folder = self.folder / "mail"
        return list(mailbox.Maildir(folder, create=False)) if folder.exists() else []


def wait_until(condition, seconds):
    """Wait until the condition holds and return its value; fail after so many seconds."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if value := condition():
            return value
        time.sleep(0.05)
    raise AssertionError(f"did not happen within {seconds} s")


_STAFF = """
from django.contrib.auth.models import Group, User
reception = User.objects.create_user("reception", password="reception-password")
reception.groups.set(Group.objects.filter(name="Front desk"))
User.objects.create_superuser("admin", password="admin-password")
"""


def _url_of(database):
    default = settings.DATABASES["default"]
    return re.sub(
        r":@", "@", f"mysql://{default['USER']}:{default['PASSWORD']}@{default['HOST']}:{default['PORT']}/{database}"
    )


def _on_server(statement):
    import MySQLdb

    default = settings.DATABASES["default"]
    server = MySQLdb.connect(
        host=default["HOST"], port=int(default["PORT"]), user=default["USER"], password=default["PASSWORD"]
    )
    try:
        server.cursor().execute(statement)
    finally:
        server.close()
