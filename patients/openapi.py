"""What the OpenAPI document says beyond what is read from the code: prose, examples, and every refusal."""

import base64

from django.conf import settings
from django.contrib.staticfiles import finders
from drf_spectacular.extensions import (
    OpenApiAuthenticationExtension,
    OpenApiSerializerFieldExtension,
    OpenApiViewExtension,
)
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view

from patients import numbers, validators
from registration.problems import KINDS

DESCRIPTION = """\
Register patients, find them, correct them.

**Signing in.** `Authorization: Bearer <token>`; an administrator of the clinic makes a client with the scopes that it
needs (`patients:register`, `patients:read`, `patients:change`) and a token, which is shown once.

**Repeating.** A registration that was sent with an `Idempotency-Key` can be sent again for 72 hours, after a time-out
or a 5xx: it registers once, and the same request gets the same answer, with `Idempotent-Replayed: true`.

**Correcting.** Send the `ETag` that was read as `If-Match`, and a change that somebody else made meanwhile is not lost
(412). That the confirmation was sent meanwhile is no change.

**Refusals** are `application/problem+json` (RFC 9457). `errors` names every field at once, with a `code` for programs
and a `detail` for people, in the language of `Accept-Language` (English or Spanish). Unknown fields and parameters are
errors, too. That another patient has an address (409) is told when there is nothing else to correct.

**Limits.** 429 and 503 say in `Retry-After` after how many seconds to send the request again. Who tries wrong tokens,
or addresses that others have, is stopped soon; a request without a token is answered 401 however often. Every answer
has an `X-Request-ID`, by which the operator finds it in the logs.
"""
NUMBER = "7K4M-2Q9X"
_NUMBER = f"^[{numbers.ALPHABET}]{{4}}-[{numbers.ALPHABET}]{{4}}$"
CONFIRMATION = {"channel": "email", "status": "queued", "attempts": 0, "sent_at": None}
FIELDS = {
    "full_name": "Ana María Ñandú",
    "email": "ana@example.org",
    "phone": "+598 99 123 456",
    "address": "Rincón 487\nMontevideo",
    "date_of_birth": "1984-02-29",
}
PATIENT = {
    "number": NUMBER,
    **FIELDS,
    "shared_email": False,
    "phone": "+59899123456",
    "document_photo": f"{settings.SITE_URL}/api/v1/patients/{NUMBER}/document-photo/",
    "registered_at": "2026-11-23T14:03:11Z",
    "confirmation": CONFIRMATION,
}
MESSAGE = {
    **CONFIRMATION,
    "attempts": 1,
    "last_attempt_at": "2026-11-23T14:03:12Z",
    "next_attempt_at": "2026-11-23T14:03:43Z",
    "failure": "the server answered 451",
    "possible_duplicate": False,
}
ERRORS = [{"field": "phone", "code": "invalid", "detail": str(validators.PHONE_FORMAT)}]
# What every call may be refused with, and what some may besides.
ALWAYS = {400, 401, 403, 406, 414, 417, 429, 431, 500, 503, 507}
REFUSED = {
    "list_patients": ALWAYS,
    "register_patient": ALWAYS | {409, 413, 415, 422},
    "read_patient": ALWAYS | {404},
    "correct_patient": ALWAYS | {404, 409, 412, 413, 415},
    "list_messages": ALWAYS | {404},
    "see_document_photo": ALWAYS | {404},
}
ANSWERS = {
    "list_patients": ("A page of patients", {"next": None, "previous": None, "results": [PATIENT]}),
    "register_patient": ("The patient, registered, now or by the same request before", PATIENT),
    "read_patient": ("The patient", PATIENT),
    "correct_patient": ("The patient, corrected", PATIENT),
    "list_messages": ("The messages", [MESSAGE]),
    "see_document_photo": ("The photo, upright, of at most 2,000 pixels a side", None),
}
_PROBLEM = {
    "type": "object",
    "description": "RFC 9457",
    "properties": {
        "type": {"type": "string", "format": "uri", "description": "the kind of problem, and a page about it"},
        "title": {"type": "string"},
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "detail": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "field": {"type": "string", "description": "empty where it is of no single field"},
                    "code": {"type": "string"},
                    "detail": {"type": "string"},
                },
                "required": ["field", "code", "detail"],
            },
        },
    },
    "required": ["type", "title", "status"],
}
# An address may be sent with spaces around it and with any script's letters in its domain, a phone number in any form
# that people write; answers have the one form of each.
_SHAPES = {
    "request": {"email": {"format": "email"}},
    "response": {"email": {"format": "email"}, "phone": {"pattern": r"^\+[1-9][0-9]{1,14}$"}},
}
# What the fields that are no texts under a rule are about.
_DESCRIPTIONS = {
    "shared_email": "true when the address is known to be that of another patient, too",
    "date_of_birth": "a day from 1900 to today",
    "document_kind": "what the photo shows; empty when nobody said so",
    "registered_at": "to the second, in UTC",
}
_REQUEST_ID = {"X-Request-ID": {"schema": {"type": "string"}, "description": "to find the answer in the logs"}}
_HEADERS = {
    401: {"WWW-Authenticate": {"schema": {"type": "string"}, "required": True}},
    429: {"Retry-After": {"schema": {"type": "integer"}, "description": "seconds", "required": True}},
    503: {"Retry-After": {"schema": {"type": "integer"}, "description": "seconds", "required": True}},
}


def complete(result, **kwargs):
    """Postprocessing hook: add the examples, every refusal, and that requests have no fields but those."""
    components = result["components"]
    schemas = components["schemas"]
    for properties in [schema["properties"] for schema in schemas.values() if "properties" in schema]:
        for field in properties.keys() & _DESCRIPTIONS.keys():
            properties[field]["description"] = _DESCRIPTIONS[field]
    schemas["BlankEnum"]["type"] = "string"
    for name in [name for name in schemas if name.endswith("Request")]:
        schemas[name]["additionalProperties"] = False
        schemas[f"{name}Form"] = _as_form(schemas[name])
    for name in ("Patient", "Message", "Confirmation"):
        schemas[name]["required"] = [field for field in schemas[name]["properties"] if field != "document_kind"]
    schemas["Patient"]["properties"]["number"] |= {"pattern": _NUMBER, "description": "what people are told"}
    for name in ("Message", "Confirmation"):
        schemas[name]["properties"]["channel"] |= {
            "maxLength": 10,
            "description": "email, sms or another of the clinic's",
        }
    schemas["Problem"] = _PROBLEM
    result["info"]["description"] = DESCRIPTION
    components["responses"] = {f"Problem{status}": _problem(status) for status in sorted(set.union(*REFUSED.values()))}
    for operation in (operation for path in result["paths"].values() for operation in path.values()):
        _complete(operation, operation["operationId"])
    return result


def _complete(operation, name):
    if "requestBody" in operation:
        for media_type, content in operation["requestBody"]["content"].items():
            if media_type == "multipart/form-data":
                content["schema"] = {"$ref": content["schema"]["$ref"] + "Form"}
                content["example"] = FIELDS  # and a file, which no JSON can show
            elif name == "register_patient":
                content["example"] = {**FIELDS, "document_photo": _example_photo()}
            else:
                content["example"] = {"phone": FIELDS["phone"]}
    answer = operation["responses"].get("200") or operation["responses"]["201"]
    answer["headers"] = answer.get("headers", {}) | _REQUEST_ID
    answer["description"], example = ANSWERS[name]
    for content in answer["content"].values():
        if example:
            content["example"] = example
    if name == "read_patient":
        operation["responses"]["304"] = {
            "description": "The patient is as If-None-Match says that it was",
            "headers": {"ETag": {"schema": {"type": "string"}}} | _REQUEST_ID,
        }
    for status in sorted(REFUSED[name]):
        operation["responses"][str(status)] = {"$ref": f"#/components/responses/Problem{status}"}


def _as_form(schema):
    """Return a request's schema as multipart/form-data has it: with a file, and without null, which is empty there."""
    photo, born = (schema["properties"][name]["description"] for name in ("document_photo", "date_of_birth"))
    properties = {
        "document_photo": {"type": "string", "format": "binary", "description": photo},
        "date_of_birth": {
            "type": "string",
            "pattern": "^([0-9]{4}-[0-9]{2}-[0-9]{2})?$",
            "description": f"{born}; empty for none",
        },
    }
    return {**schema, "properties": schema["properties"] | properties}


def _example_photo():
    with open(finders.find("example-document.webp"), "rb") as file:
        return "data:image/webp;base64," + base64.b64encode(file.read()).decode()


def _problem(status):
    kinds = [kind for kind in KINDS.values() if kind.status == status]
    examples = {
        kind.slug: {
            "value": {
                "type": f"{settings.SITE_URL}/api/problems/{kind.slug}",
                "title": str(kind.title),
                "status": status,
                **({"errors": ERRORS} if kind.slug == "invalid" else {}),
            }
        }
        for kind in kinds
    }
    return {
        "description": " ".join(f"{kind.title}. {kind.advice}" for kind in kinds),
        "headers": _HEADERS.get(status, {}) | _REQUEST_ID,
        "content": {
            "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}, "examples": examples}
        },
    }


class TextField(OpenApiSerializerFieldExtension):
    target_class = "patients.serializers.RuledField"

    def map_serializer_field(self, auto_schema, direction):
        field = self.target
        least = {} if field.model_field.blank else {"minLength": 1}
        most = field.most if direction == "request" else field.model_field.max_length
        description = str(field.help_text or field.model_field.verbose_name)
        shape = _SHAPES[direction].get(field.model_field.name, {})
        return {"type": "string", **least, "maxLength": most, "description": description, **shape}


class PhotoField(OpenApiSerializerFieldExtension):
    target_class = "patients.serializers.DocumentPhotoField"

    def map_serializer_field(self, auto_schema, direction):
        if direction == "response":
            description = "where the photo is to be had, as image/jpeg; null when it was deleted after its time"
            return {"type": ["string", "null"], "format": "uri", "description": description}
        return {
            "type": "string",
            "minLength": 1,
            "maxLength": settings.MAX_PHOTO_BYTES * 4 // 3 + 100,
            "description": (
                f"The photo of the identity document: {', '.join(settings.PHOTO_FORMATS)} of at most "
                f"{settings.MAX_PHOTO_BYTES} bytes and at least 480 × 240 pixels. In JSON in base64 (RFC 4648, "
                "section 4), with or without a data: URL around it; in multipart/form-data a file part."
            ),
        }


class BearerScheme(OpenApiAuthenticationExtension):
    target_class = "patients.authentication.BearerAuthentication"
    name = "token"

    def get_security_definition(self, auto_schema):
        return {"type": "http", "scheme": "bearer"}


def _header(name, description, statuses):
    return OpenApiParameter(name, str, OpenApiParameter.HEADER, description=description, response=statuses)


NUMBER_PARAMETER = OpenApiParameter(
    "number",
    {"type": "string", "minLength": 8, "maxLength": 12, "example": NUMBER},
    OpenApiParameter.PATH,
    description="The patient number, in any case, with or without its hyphen. One whose record was merged into "
    "another's leads to that, whose own number is in the answer",
)
ETAG = _header("ETag", "what was answered, for If-Match and If-None-Match", [200, 201])
_DOCUMENTED = {
    "PatientList": {
        "get": extend_schema(
            operation_id="list_patients",
            summary="Find patients, newest first",
            description="By pages that stay what they are while patients are added: next and previous are addresses.",
            parameters=[
                OpenApiParameter(
                    "search",
                    str,
                    description="Beginnings of words of the name, of the email address or its domain (@clinic), of "
                    "the phone number or its end, of either half of the patient number: those whom all of them fit",
                ),
                OpenApiParameter(
                    "registered_after",
                    OpenApiTypes.DATETIME,
                    description="Only those registered later. Times are told to the second, so that who was "
                    "registered in the rest of that second is among them: who asks again meets them once more",
                ),
                OpenApiParameter("page_size", {"type": "integer", "minimum": 1, "maximum": 100, "default": 20}),
            ],
        ),
        "post": extend_schema(
            operation_id="register_patient",
            summary="Register a patient",
            description="The confirmation is sent in the language that Accept-Language prefers, English or Spanish.",
            parameters=[
                OpenApiParameter(
                    "Idempotency-Key",
                    {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
                    OpenApiParameter.HEADER,
                    description="A new random one, such as a UUID, for each registration; the same to repeat it",
                ),
                OpenApiParameter(
                    "Accept-Language", str, OpenApiParameter.HEADER, description="Such as es, or en; q=0.5"
                ),
                _header("Location", "the patient's address", [201]),
                _header("Idempotent-Replayed", "true when this is an earlier answer once more", [201]),
                ETAG,
            ],
        ),
    },
    "PatientDetail": {
        "get": extend_schema(
            operation_id="read_patient",
            summary="Read a patient",
            description="Each look at a record is noted.",
            parameters=[
                NUMBER_PARAMETER,
                ETAG,
                OpenApiParameter(
                    "If-None-Match",
                    str,
                    OpenApiParameter.HEADER,
                    description="The ETag that was read: answered 304 while the same would be read again",
                ),
            ],
        ),
        "patch": extend_schema(
            operation_id="correct_patient",
            summary="Correct a patient",
            description="Only the fields that are sent are changed.",
            parameters=[
                NUMBER_PARAMETER,
                ETAG,
                OpenApiParameter("If-Match", str, OpenApiParameter.HEADER, description="The ETag that was read, or *"),
            ],
        ),
    },
    "MessageList": {
        "get": extend_schema(
            operation_id="list_messages",
            summary="See every message to a patient",
            description="Newest first, with attempts and failures.",
            parameters=[NUMBER_PARAMETER],
        )
    },
    "DocumentPhoto": {
        "get": extend_schema(
            operation_id="see_document_photo",
            summary="See the photo of the identity document",
            description="Each look at it is noted. Who may not see photos is answered as if there were none (404).",
            parameters=[NUMBER_PARAMETER],
            responses={(200, "image/jpeg"): OpenApiTypes.BINARY},
        )
    },
}


def _documented(name, methods):
    class Documented(OpenApiViewExtension):
        target_class = f"patients.api.{name}"

        def view_replacement(self):
            return extend_schema_view(**methods)(type(name, (self.target_class,), {}))

    return Documented


_extensions = [_documented(name, methods) for name, methods in _DOCUMENTED.items()]
