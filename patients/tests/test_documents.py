"""SECURITY.md and docs/asvs.md name tests that exist."""

import re

import pytest

from patients.tests.service import ROOT

TESTS = ROOT / "patients/tests"


@pytest.mark.parametrize("document", ["SECURITY.md", "docs/asvs.md"])
def test_every_test_named_exists(document):
    named = re.findall(r"`(test_\w+\.py)(?:::(test_\w+))?`", (ROOT / document).read_text())

    assert len(named) > 50
    for file, test in named:
        assert (TESTS / file).is_file(), file
        assert not test or f"def {test}(" in (TESTS / file).read_text(), f"{file}::{test}"


def test_every_threat_has_a_test():
    threats = (ROOT / "SECURITY.md").read_text().split("## Threats")[1].split("\n## ")[0]
    rows = [row for row in threats.splitlines() if row.startswith("| ")][1:]

    assert len(rows) > 30
    assert [row for row in rows if "`test_" not in row.split("|")[3]] == []


def test_every_requirement_of_level_two_is_traced_once():
    rows = [row.split("|") for row in (ROOT / "docs/asvs.md").read_text().splitlines() if re.match(r"\| \d", row)]
    numbers = [number for row in rows for number in re.findall(r"\d+\.\d+\.\d+", row[1])]

    assert len(numbers) == len(set(numbers)) == 253  # of 345; the others are of level 3
    assert all(row[3].strip() for row in rows)


def test_every_section_named_exists():
    for document in ("SECURITY.md", "docs/asvs.md"):
        for file, section in re.findall(r"\*(README\.md|SECURITY\.md), ([^*]+)\*", (ROOT / document).read_text()):
            assert re.search(rf"^#+ {section}$", (ROOT / file).read_text(), re.MULTILINE), f"{file}, {section}"
