"""What clients of the API get that repeat themselves and race each other: one patient each, and the same answer.

Run: .venv/bin/python -m benchmarks.api [repeats|races ...]
on SQLite, or with DATABASE_URL (and SECRET_KEY) on a MySQL-family server.
"""

import base64
import collections
import http.client
import json
import os
import sys
import tempfile
import threading
import time
import uuid

os.environ.setdefault("DATA_DIR", tempfile.mkdtemp())
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "registration.settings")

import django  # noqa: E402

django.setup()

from patients.tests import pictures  # noqa: E402
from patients.tests.service import Service, wait_until  # noqa: E402

KEYS, TIMES = 500, 20
ROUNDS, RACERS = 40, 12
PHOTO = base64.b64encode(pictures.encoded(pictures.picture((480, 320)), quality=60)).decode()


def body(email):
    return {"full_name": "Ana María Ñandú", "email": email, "phone": "+1 202 555 0123", "document_photo": PHOTO}


def all_at_once(service, token, requests):
    """Send the requests, (body, headers) each, over connections that start together; return the answers."""
    together, answers = threading.Barrier(len(requests)), []

    def send(content, headers):
        connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=60)
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {token}", **headers}
        text = json.dumps(content)
        together.wait()
        while True:
            connection.request("POST", "/api/v1/patients/", text, headers)
            response = connection.getresponse()
            answer = response.status, response.read(), response.headers["Idempotent-Replayed"]
            if response.status != 503:  # busy with the photos of the others: as Retry-After says, again
                break
            busy[0] += 1
            time.sleep(int(response.headers["Retry-After"]))
        answers.append(answer)
        connection.close()

    threads = [threading.Thread(target=send, args=request) for request in requests]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


busy = [0]


def files(service):
    return len([file for file in (service.folder / "media").rglob("*") if file.is_file()])


def count(service, noun):
    return int(service.manage("shell", "-v0", "-c", f"from patients.models import *; print({noun}.objects.count())"))


def repeats(service, token):
    """Each of 500 keys is sent 20 times at once."""
    different, statuses, first = 0, collections.Counter(), 0
    started = time.monotonic()
    for number in range(KEYS):
        request = body(f"repeat{number}@example.org"), {"Idempotency-Key": str(uuid.uuid4())}
        answers = all_at_once(service, token, [request] * TIMES)
        statuses.update(status for status, _text, _replayed in answers)
        different += len({text for _status, text, _replayed in answers}) > 1
        first += sum(replayed is None for _status, _text, replayed in answers)
    wait_until(lambda: len(service.mails()) >= KEYS, 120)
    print(f"repeats: {KEYS} keys × {TIMES} in {time.monotonic() - started:.0f} s; answers {dict(statuses)}")
    print(f"  busy and asked again: {busy[0]}; different answers to one key: {different}; not replayed: {first}")
    print(f"  patients {count(service, 'Patient')}, mails {len(service.mails())}, files {files(service)}")


def races(service, token):
    """In each of 40 rounds 12 different people are registered at once with one address."""
    before, winners, statuses = files(service), collections.Counter(), collections.Counter()
    for number in range(ROUNDS):
        requests = [
            (body(f"race{number}@example.org") | {"full_name": f"Racer {racer}"}, {}) for racer in range(RACERS)
        ]
        answers = [status for status, _text, _replayed in all_at_once(service, token, requests)]
        winners[answers.count(201)] += 1
        statuses.update(answers)
    print(f"races: {ROUNDS} rounds × {RACERS}; answers {dict(statuses)}; rounds by winners {dict(winners)}")
    print(f"  files more: {files(service) - before}")


def main():
    names = sys.argv[1:] or ["repeats", "races"]
    with tempfile.TemporaryDirectory() as folder, Service(f"{folder}/data") as service:
        token = service.token()
        for name in names:
            {"repeats": repeats, "races": races}[name](service, token)


if __name__ == "__main__":
    main()
