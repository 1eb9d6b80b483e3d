"""The list of safeguards is true: script/mutate-safeguards switches each of them off."""

import pytest

from patients.tests.safeguards import SAFEGUARDS
from patients.tests.switching_off import ROOT


@pytest.mark.parametrize("safeguard", SAFEGUARDS, ids=[safeguard.name for safeguard in SAFEGUARDS])
def test_is_where_the_list_says(safeguard):
    assert safeguard.old in (ROOT / safeguard.file).read_text() and safeguard.new != safeguard.old
    for file in safeguard.tests.partition(" -k ")[0].split():
        assert (ROOT / "patients/tests" / file).is_file()


def test_there_are_many():
    assert len({safeguard.name for safeguard in SAFEGUARDS}) == len(SAFEGUARDS) >= 30
