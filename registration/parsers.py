"""Reads request bodies strictly."""

import json

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.utils.http import parse_header_parameters
from django.utils.translation import gettext_lazy as _
from rest_framework.exceptions import ParseError, UnsupportedMediaType
from rest_framework.parsers import BaseParser, MultiPartParser

from registration.problems import Refusal

NOT_UTF8 = _("The text of the body must be encoded in UTF-8")
NOT_UTF8_PARTS = _("The text of each part must be encoded in UTF-8, and a file's part must have a filename")
NOT_PARTS = _("The body must be whole, its boundary in Content-Type, and each part must have a name and a value")
NOT_JSON = _("The body must be valid JSON, encoded in UTF-8")
NOT_OBJECT = _("The body must be a JSON object")
NO_PART = _("The body must have a part for each field")
VALUES_MOST = 10_000  # commas and brackets of a body; a registration has a dozen, and a few hundred in its texts


class StrictJSONParser(BaseParser):
    """JSON as RFC 8259 and I-JSON (RFC 7493) have it: UTF-8, one object, no NaN, no key twice; and no endless list of
    keys, as with forms.
    """

    media_type = "application/json"

    def parse(self, stream, media_type=None, parser_context=None):
        if int(parser_context["request"].META.get("CONTENT_LENGTH") or 0) > settings.DATA_UPLOAD_MAX_MEMORY_SIZE:
            raise RequestDataTooBig("The body is larger than any photo may be")
        _require(self.media_type, media_type)
        body = stream.read()
        if sum(map(body.count, (b",", b"[", b"{"))) > VALUES_MOST:  # millions would take seconds and gigabytes
            raise ParseError(NOT_JSON)
        try:
            body = json.loads(body.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_refuse_constant)
        except (ValueError, RecursionError):
            raise ParseError(NOT_JSON) from None
        if not isinstance(body, dict):
            raise ParseError(NOT_OBJECT)
        return body


class StrictMultiPartParser(MultiPartParser):
    """multipart/form-data whose text is UTF-8: Django's own reader would put U+FFFD for every other letter, and find
    an empty form in what is none.
    """

    def parse(self, stream, media_type=None, parser_context=None):
        _require(self.media_type, media_type)
        try:
            body = super().parse(stream, media_type, parser_context)
        except ParseError:
            raise ParseError(NOT_PARTS) from None
        if not (body.data or body.files):
            raise ParseError(NO_PART)
        if any("\ufffd" in text for values in dict(body.data.lists()).values() for text in values):
            raise ParseError(NOT_UTF8_PARTS)
        return body


def _require(expected, media_type):
    """Refuse a Content-Type that only might be what is expected (*/*), or whose text is not UTF-8."""
    name, parameters = parse_header_parameters(media_type)
    if name != expected:
        raise UnsupportedMediaType(media_type)
    if parameters.get("charset", "utf-8").lower() not in ("utf-8", "utf8"):
        raise Refusal("unsupported-media-type", NOT_UTF8)


def _unique(pairs):
    if len(pairs) > settings.DATA_UPLOAD_MAX_NUMBER_FIELDS:
        raise ValueError("there are too many keys")
    if len({name for name, value in pairs}) < len(pairs):
        raise ValueError("a key stands twice")
    return dict(pairs)


def _refuse_constant(name):
    raise ValueError(f"{name} is not JSON")
