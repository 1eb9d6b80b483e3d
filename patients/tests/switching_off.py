"""Switches the safeguards off, one at a time, in a copy of the tree: what script/mutate-safeguards runs."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from patients.tests.safeguards import SAFEGUARDS

ROOT = Path(__file__).parents[2]
SECONDS_MOST = 300


def main():
    """Switch each safeguard off and say which tests turned red; return whether one fell unnoticed."""
    unnoticed = []
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder, "tree")
        files = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, stdout=subprocess.PIPE).stdout
        for name in filter(None, files.decode().split("\0")):
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, tree / name)
        for safeguard in SAFEGUARDS:
            file = tree / safeguard.file
            text = file.read_text()
            file.write_text(text.replace(safeguard.old, safeguard.new))
            red = turned_red(tree, safeguard.tests, Path(folder, "data"))
            file.write_text(text)
            print(
                f"{'  red' if red else 'GREEN'}  {safeguard.name}: {', '.join(red) or 'no test noticed'}", flush=True
            )
            unnoticed += [] if red else [safeguard.name]
        tests = {safeguard.tests for safeguard in SAFEGUARDS}
        still_red = {test: turned_red(tree, test, Path(folder, "data")) for test in tests}
    print(f"{len(SAFEGUARDS) - len(unnoticed)} of {len(SAFEGUARDS)} were missed by a test when they were off")
    if any(still_red.values()):
        print(
            f"These are red with every safeguard on, and so tell nothing: {[t for t, red in still_red.items() if red]}"
        )
    return len(unnoticed) + any(still_red.values())


def turned_red(tree, tests, data):
    """Return the names of the tests that fail in the tree."""
    files, _, expression = tests.partition(" -k ")
    command = [sys.executable, "-m", "pytest", "-q", "--show-capture=no", "-p", "no:cacheprovider"]
    command += [f"patients/tests/{file}" for file in files.split()] + (["-k", expression] if expression else [])
    environ = {"PATH": os.environ["PATH"], "DATA_DIR": str(data), "PYTHONDONTWRITEBYTECODE": "1"}
    if database := os.environ.get("DATABASE_URL"):
        environ |= {"DATABASE_URL": database, "SECRET_KEY": os.environ["SECRET_KEY"]}
    result = subprocess.run(command, cwd=tree, env=environ, capture_output=True, text=True, timeout=SECONDS_MOST)
    found = re.findall(r"^(?:FAILED|ERROR) patients/tests/(\S+)", result.stdout, re.MULTILINE)
    # Neither red nor green: nothing was collected, or the tree didn't even start.
    assert found or result.returncode == 0, f"{tests}: {result.stdout[-500:]} {result.stderr[-500:]}"
    return found


if __name__ == "__main__":
    sys.exit(main())
