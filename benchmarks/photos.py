"""What a photo costs: each step per megapixel beside plain decoding, its share of a request, and the worst of the
hostile files. Run: .venv/bin/python -m benchmarks.photos
"""

import base64
import os
import statistics
import subprocess
import sys
import tempfile
import time
from io import BytesIO
from pathlib import Path

os.environ["DATA_DIR"] = tempfile.mkdtemp()
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "registration.settings")

import django  # noqa: E402

django.setup()

from django.core.exceptions import ValidationError  # noqa: E402
from django.core.files.base import ContentFile  # noqa: E402
from PIL import Image  # noqa: E402

from patients.photos import cleaner, cleaning, inspection, storage  # noqa: E402
from patients.tests import hostile, pictures  # noqa: E402
from patients.tests.service import Service  # noqa: E402

SIZES = {"2 MP": (1632, 1224), "12 MP": (4000, 3000), "48 MP": (8000, 6000)}
ROUNDS = 7


def milliseconds(deed):
    started = time.perf_counter()
    deed()
    return (time.perf_counter() - started) * 1000


def steps():
    print(f"\nCost of each step, ms per megapixel (median of {ROUNDS} interleaved rounds), and × plain decoding")
    print(f"{'':8}{'inspect':>14}{'decode (control)':>18}{'clean in place':>18}{'in the process':>18}{'store':>14}")
    for name, size in SIZES.items():
        content = pictures.encoded(pictures.picture(size), quality=85)
        safe = cleaning.clean(ContentFile(content))
        deeds = {
            "inspect": lambda content=content: inspection.inspect(content),
            "decode": lambda content=content: Image.open(BytesIO(content)).load(),
            "clean": lambda content=content: cleaner.clean("JPEG", content),
            "process": lambda content=content: cleaning.clean(ContentFile(content)),
            "store": lambda safe=safe: storage.store(safe),
        }
        found = {step: [] for step in deeds}
        for _ in range(ROUNDS):
            for step, deed in deeds.items():
                found[step].append(milliseconds(deed))
        control = statistics.median(found["decode"])
        megapixels = size[0] * size[1] / 1e6
        cells = [
            f"{statistics.median(times) / megapixels:6.2f} ({statistics.median(times) / control:4.2f})"
            for times in found.values()
        ]
        noise = (max(found["decode"]) - min(found["decode"])) / control
        print(f"{name:8}{cells[0]:>14}{cells[1]:>18}{cells[2]:>18}{cells[3]:>18}{cells[4]:>14}   noise {noise:.0%}")


def share_of_the_request():
    content = pictures.encoded(pictures.picture(SIZES["12 MP"]), quality=85)
    body = {
        "full_name": "Ana",
        "phone": "+1 202 555 0123",
        "shared_email": True,
        "email": "ana@example.org",
        "document_photo": base64.b64encode(content).decode(),
    }
    with tempfile.TemporaryDirectory() as folder, Service(Path(folder) / "data") as service:
        token = service.token()
        requests, cleanings = [], []
        for _ in range(ROUNDS):
            requests.append(milliseconds(lambda: service.call("/api/v1/patients/", body, token=token)))
            cleanings.append(milliseconds(lambda: cleaning.clean(ContentFile(content))))
    share = statistics.median(c / r for c, r in zip(cleanings, requests, strict=True))
    print(f"\nA registration with a 12 MP photo: {statistics.median(requests):.0f} ms, slowest {max(requests):.0f}")
    print(f"share of it that is the photo: {share:.0%}")


def worst():
    print("\nThe worst hostile files")
    found = []
    for name, content in hostile.files():
        started = time.perf_counter()
        try:
            cleaning.clean(ContentFile(content))
            outcome = "stored"
        except ValidationError as refusal:
            outcome = refusal.code
        found.append((time.perf_counter() - started, name, outcome))
    for seconds, name, outcome in sorted(found, reverse=True)[:5]:
        print(f"{seconds:6.2f} s  {outcome:16} {name}")


def memory():
    print("\nMemory of the decoder at its legal worst, MB")
    for name, kind, content in (
        ("JPEG 64 MP", "JPEG", pictures.encoded(Image.effect_noise((9200, 6900), 50).convert("RGB"))),
        ("PNG 25 MP 16 bit", "PNG", _deep_png()),
        ("WebP 15 MP", "WEBP", pictures.encoded(Image.effect_noise((4400, 3300), 50).convert("RGB"), "WEBP")),
    ):
        inspection.inspect(content)
        script = (
            "import sys; from patients.photos import cleaner; "
            f"cleaner.clean({kind!r}, sys.stdin.buffer.read()); "
            "print(next(line for line in open('/proc/self/status') if 'VmHWM' in line).split()[1])"
        )
        peak = subprocess.run(
            [sys.executable, "-c", script], input=content, stdout=subprocess.PIPE, check=True
        ).stdout.decode()
        took = milliseconds(lambda content=content, kind=kind: cleaner.clean(kind, content))
        print(f"{name:18}{int(peak) // 1000:>6}   {took:.0f} ms, {len(content) / 1e6:.1f} MB file")


def _deep_png():
    import struct
    import zlib

    row = b"\0" + bytes(range(256)) * (5000 * 8 // 256 + 1)
    data = zlib.compress(row[: 1 + 5000 * 8] * 5000, 1)
    header = struct.pack(">IIBBBBB", 5000, 5000, 16, 6, 0, 0, 0)
    return hostile.png((b"IHDR", header), (b"IDAT", data), (b"IEND", b""))


if __name__ == "__main__":
    steps()
    share_of_the_request()
    worst()
    memory()
