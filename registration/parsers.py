"""Reads request bodies strictly."""

import json

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.utils.http import parse_header_parameters
from django.utils.translation import gettext_lazy as _
from rest_framework.exceptions import ParseError, UnsupportedMediaType
from rest_framework.parsers import BaseParser

NOT_JSON = _("The body must be valid JSON, encoded in UTF-8")
NOT_OBJECT = _("The body must be a JSON object")
VALUES_MOST = 10_000  # commas and brackets of a body; a registration has a dozen, and a few hundred in its texts


class StrictJSONParser(BaseParser):
    """JSON as RFC 8259 and I-JSON (RFC 7493) have it: UTF-8, one object, no NaN, no key twice; and no endless list of
    keys, as with forms.
    """

    media_type = "application/json"

    def parse(self, stream, media_type=None, parser_context=None):
        if int(parser_context["request"].META.get("CONTENT_LENGTH") or 0) > settings.DATA_UPLOAD_MAX_MEMORY_SIZE:
            raise RequestDataTooBig("The body is larger than any photo may be")
        charset = dict(parse_header_parameters(media_type)[1]).get("charset", "utf-8")
        if charset.lower() not in ("utf-8", "utf8"):
            raise UnsupportedMediaType(media_type, NOT_JSON)
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


def _unique(pairs):
    if len(pairs) > settings.DATA_UPLOAD_MAX_NUMBER_FIELDS:
        raise ValueError("there are too many keys")
    if len({name for name, value in pairs}) < len(pairs):
        raise ValueError("a key stands twice")
    return dict(pairs)


def _refuse_constant(name):
    raise ValueError(f"{name} is not JSON")
