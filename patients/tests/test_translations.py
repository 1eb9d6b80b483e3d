"""Spanish ships with it: what people read on errors has a translation in the compiled catalogue."""

import pytest
from django.utils import translation
from django.utils.functional import Promise

from patients import validators
from patients.messages import failures
from patients.photos import refusals

SENTENCES = [
    *(value for name, value in vars(validators).items() if name.isupper() and isinstance(value, Promise)),
    *refusals.SENTENCES.values(),
    *failures.SENTENCES.values(),
]


def test_there_are_sentences():
    assert len(SENTENCES) > 35


@pytest.mark.parametrize("sentence", SENTENCES)
def test_is_spoken_in_spanish(sentence):
    with translation.override("en"):
        english = str(sentence)
    with translation.override("es"):
        assert str(sentence) != english
