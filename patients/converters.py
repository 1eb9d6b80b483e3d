from django.urls import register_converter

from patients import numbers


class PatientNumberConverter:
    """A patient number in a URL, in any of the ways that people write it; anything else is not found."""

    regex = "[^/]{8,12}"

    def to_python(self, value):
        number = numbers.normalize(value)
        if number is None:
            raise ValueError
        return number

    def to_url(self, value):
        return value


register_converter(PatientNumberConverter, "patient_number")
