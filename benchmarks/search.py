"""How long the service takes to find people among many: each page and look-up beside reading one patient by key.

Run: DATABASE_URL=… .venv/bin/python -m benchmarks.search
on a database that `manage.py make_patients 1000000` filled. Times are the server's own, from request to response
without the network, and contain the audit event that each page writes. It adds one account, and nothing else.
"""

import os
import random
import statistics
import sys
import time
from urllib.parse import parse_qs, urlsplit

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "registration.settings")

import django  # noqa: E402

django.setup()

from django.conf import settings  # noqa: E402
from django.contrib.auth.models import User  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db import connection  # noqa: E402
from django.test import Client  # noqa: E402
from django.urls import reverse  # noqa: E402

from patients.models import ApiToken, Patient, Resemblance  # noqa: E402
from patients.views import with_sought  # noqa: E402

ROUNDS = 30
LIST, API, ADMIN = reverse("patients:list"), reverse("api:patients"), reverse("admin:patients_patient_changelist")
SEARCHES = {
    "a rare name": ["quigley", "щукарь", "begona zuniga", "Ñandú"],
    "a common word": ["maría", "james", "smith", "garcia", "محمد", "nguyen", "王"],
    "the beginning of a common one": ["mar", "sm", "gar", "ngu"],
    "one letter": ["m", "j", "g", "n", "s"],
    "two letters, apart": ["m g", "j s", "n t"],
    "a common name and surname": ["maria garcia", "james smith", "thi nguyen", "محمد حسن", "smith jam"],
    "common words of nobody": ["maria nguyen", "james garcia", "nguyen smith", "maria иванов"],
    "a common and a rare one": ["maria echeverria", "james quigley", "nguyen mac"],
    "four words": ["maria jose garcia rodriguez", "james mary smith jones", "juan ana lopez perez"],
    "no match": ["xyzzy", "zzz qqq", "maria xyzzy", "q9q9q9@nowhere"],
}
FIELDS = {
    "a phone number": lambda patient: patient.phone,
    "the end of one": lambda patient: patient.phone[-6:],
    "the beginning of one": lambda patient: patient.phone[:8],
    "an email address": lambda patient: patient.email,
    "the beginning of a number": lambda patient: patient.number[:4],
    "a number": lambda patient: patient.display_number.lower(),
    "a whole name": lambda patient: patient.full_name,
    "a name and the end of a phone number": lambda patient: f"{patient.full_name.split()[0]} {patient.phone[-6:]}",
}


class Bench:
    def __init__(self):
        user, _ = User.objects.get_or_create(username="benchmark", defaults={"is_superuser": True, "is_staff": True})
        self.client = Client(HTTP_HOST=settings.ALLOWED_HOSTS[0])
        self.client.force_login(user)
        self.user, self.random = user, random.Random(4)
        self.newest = Patient.objects.newest_first().first().pk
        self.control = None

    def somebody(self):
        while not (found := Patient.objects.filter(pk=self.random.randint(1, self.newest)).first()):
            pass
        return found

    def get(self, url, **query):
        response = self.client.get(url, query)
        if response.status_code != 200:
            raise SystemExit(f"{url} answered {response.status_code}")
        return response

    def measure(self, name, deed, *, rounds=ROUNDS):
        """Print and return the times in milliseconds of deed(), which returns what to time."""
        times = []
        for _ in range(rounds):
            timed = deed()
            started = time.perf_counter()
            timed()
            times.append((time.perf_counter() - started) * 1000)
        self.show(name, times)
        return times

    def show(self, name, times):
        times = sorted(times)
        half, most = statistics.median(times), times[int(len(times) * 0.95)]
        self.control = self.control or half
        print(f"{name:58}{half:8.1f}{most:8.1f}{half / self.control:9.0f}{most / self.control:9.0f}")
        sys.stdout.flush()


def run():
    call_command("collectstatic", verbosity=0, interactive=False)
    bench = Bench()
    print(f"{Patient.objects.count():,} patients on {connection.vendor}; {ROUNDS} rounds each")
    print(f"{'':58}{'p50 ms':>8}{'p95 ms':>8}{'p50 ×':>9}{'p95 ×':>9}")

    def page(url, **query):
        return lambda: lambda: bench.get(url, **query)

    def found(text, **query):
        """As the desk asks for the page that its search is led on to."""
        address = with_sought("patients:list", text)
        return page(LIST, sought=parse_qs(urlsplit(address).query)["sought"][0], **query)()

    def read():
        pk = bench.somebody().pk
        return lambda: Patient.objects.get(pk=pk)

    bench.get(LIST)
    bench.measure("one patient by key (control)", read, rounds=200)
    bench.measure("a page without patients", page(reverse("patients:register")))
    print("The list")
    deep = {"in the middle": bench.newest // 2, "page 20,000": max(bench.newest - 400_000, 30), "the last": 30}
    bench.measure("  page 1", page(LIST))
    for name, pk in deep.items():
        before = Patient.objects.get(pk=pk).display_number
        bench.measure(f"  {name}", page(LIST, before=before))
    print("Searches")
    pages, look_ups = [], []
    for name, value_of in FIELDS.items():
        pages += bench.measure(f"  {name}", lambda value_of=value_of: found(value_of(bench.somebody())))
    middle = Patient.objects.get(pk=bench.newest // 2).display_number
    for name, texts in SEARCHES.items():
        for place, query in (("", {}), (", from the middle", {"before": middle})):
            before = Patient.objects.get(pk=bench.newest // 2).pk if query else None
            look_ups += bench.measure(
                f"  {name}{place}: the look-up",
                lambda texts=texts, before=before: look_up_of(bench.random.choice(texts), before),
            )
            pages += bench.measure(
                f"  {name}{place}: the page",
                lambda texts=texts, query=query: found(bench.random.choice(texts), **query),
            )
    bench.show("  all of these look-ups", look_ups)
    bench.show("  all of these pages", pages)
    print("The same person")
    bench.measure("  of somebody registered", same_person(bench))
    bench.measure("  of the commonest name", same_person(bench, full_name="María José García Rodríguez"))
    print("The API")
    token = ApiToken.issue(bench.user, by=bench.user, days=1)
    bench.client.defaults["HTTP_AUTHORIZATION"] = f"Bearer {token}"
    bench.measure("  page 1", page(API))
    bench.measure("  search", lambda: page(API, search=bench.random.choice(SEARCHES["a common word"]))())
    bench.client.defaults.pop("HTTP_AUTHORIZATION")
    ApiToken.objects.filter(user=bench.user).delete()
    print("Admin")
    bench.measure("  page 1", page(ADMIN))
    bench.measure("  its last page", page(ADMIN, p="200"))
    bench.measure("  search", lambda: page(ADMIN, q=bench.random.choice(SEARCHES["a common word"]))())
    bench.measure("  with a failed message", page(ADMIN, message="failed"))
    bench.measure("  registered in admin", page(ADMIN, source__exact="admin"))
    since = {"registered_at__gte": "2025-01-01 00:00Z", "registered_at__lt": "2099-01-01 00:00Z"}
    bench.measure("  registered since a while", page(ADMIN, **since))
    bench.measure("  messages that failed", page(reverse("admin:patients_message_changelist"), status__exact="failed"))
    bench.measure("  messages", page(reverse("admin:patients_message_changelist")))
    bench.measure("  audit events", page(reverse("admin:patients_auditevent_changelist")))


def look_up_of(text, before):
    found = Patient.objects.newest_first()
    return lambda: list(found.search(text, 21, before=before))


def same_person(bench, **values):
    def prepare():
        patient = bench.somebody()
        patient.pk = None
        for name, value in values.items():
            setattr(patient, name, value)
        return lambda: Resemblance.of(patient)

    return prepare


if __name__ == "__main__":
    run()
