"""application/problem+json (RFC 9457) for everything under /api/."""

from dataclasses import dataclass

from django.conf import settings
from django.core.exceptions import (
    ObjectDoesNotExist,
    PermissionDenied,
    RequestDataTooBig,
    SuspiciousOperation,
    TooManyFieldsSent,
    TooManyFilesSent,
)
from django.http import Http404, JsonResponse
from django.utils.translation import gettext_lazy as _
from rest_framework import exceptions


@dataclass(frozen=True)
class Kind:
    """A kind of problem: `slug` ends its type's URL, `title` is its short summary, `advice` its documentation."""

    slug: str
    status: int
    title: str
    advice: str


KINDS = {
    kind.slug: kind
    for kind in (
        Kind(
            "invalid",
            400,
            _("The request has values that cannot be accepted"),
            _("Correct the fields named in errors, all of them at once, and send the request again."),
        ),
        Kind(
            "unauthenticated",
            401,
            _("A valid token is needed"),
            _("Send Authorization: Bearer and a token that has not expired or been revoked."),
        ),
        Kind(
            "forbidden",
            403,
            _("This client may not do that"),
            _("Ask an administrator of the clinic for the permission."),
        ),
        Kind("not-found", 404, _("There is nothing at this address"), _("Check the address and the patient number.")),
        Kind(
            "method-not-allowed",
            405,
            _("This method is not available here"),
            _("Use one of the methods named in the Allow header."),
        ),
        Kind(
            "not-acceptable",
            406,
            _("This representation is not available"),
            _("Accept application/json and application/problem+json."),
        ),
        Kind(
            "email-taken",
            409,
            _("A patient with this email address is already registered"),
            _("If two people share the address, send the request again with shared_email set to true."),
        ),
        Kind(
            "changed-meanwhile",
            412,
            _("The patient was changed by somebody else"),
            _("Read the patient again, and repeat the change with the new ETag."),
        ),
        Kind(
            "too-large",
            413,
            _("The request is too large"),
            _("Send a smaller photo; the limit is in the description of document_photo."),
        ),
        Kind(
            "address-too-long",
            414,
            _("The address is too long"),
            _("Send fewer or shorter parameters; the line of the request may have 8,000 bytes."),
        ),
        Kind(
            "unsupported-media-type",
            415,
            _("The body's media type is not supported"),
            _("Send application/json or multipart/form-data."),
        ),
        Kind(
            "expectation-failed",
            417,
            _("What the Expect header asks for is not available"),
            _("Send Expect: 100-continue, or no Expect header."),
        ),
        Kind(
            "key-reused",
            422,
            _("This Idempotency-Key was used for another request"),
            _("Send a new request with a new key; a key repeats only the very request that it was made for."),
        ),
        Kind(
            "too-many-requests",
            429,
            _("There were too many requests"),
            _("Send the request again after the seconds that Retry-After names."),
        ),
        Kind(
            "headers-too-large",
            431,
            _("The headers are too large"),
            _("Send fewer or shorter headers; each may have 8,000 bytes, and there may be 100."),
        ),
        Kind(
            "internal",
            500,
            _("There is a problem with the service"),
            _("Nothing was saved. Tell the operator the X-Request-ID of the answer."),
        ),
        Kind(
            "unavailable",
            503,
            _("The service is starting or busy"),
            _("Send the same request again after the seconds that Retry-After names."),
        ),
        Kind(
            "storage-full",
            507,
            _("The service has no room for another photo"),
            _("Tell the operator; nothing was saved."),
        ),
    )
}
TOO_MANY_PARTS = _("Send each field and parameter once, and one file: document_photo")
# Errors of a field that are of another kind than a value to correct.
_STATUS_OF_CODE = {"too_large": 413, "busy": 503}
# The first kind of each status stands for it.
_BY_STATUS = {kind.status: kind for kind in reversed(KINDS.values())}


class Refusal(exceptions.APIException):
    """A refusal of one of the KINDS, in our words: `detail` says what is the matter in this case."""

    def __init__(self, slug, detail=None, **headers):
        self.kind, self.headers = KINDS[slug], headers
        self.status_code = self.kind.status
        super().__init__(detail or self.kind.title)


def problem(status, *, kind=None, detail=None, errors=None, headers=None):
    """Return the response for a status; `errors` are the fields' errors as (field, code, detail) dictionaries."""
    kind = kind or _BY_STATUS.get(status) or _BY_STATUS[400 if status < 500 else 500]
    body = {
        "type": f"{settings.SITE_URL}/api/problems/{kind.slug}",
        "title": str(kind.title),
        "status": status,
        **({"detail": str(detail)} if detail and str(detail) != str(kind.title) else {}),
        **({"errors": errors} if errors else {}),
    }
    headers = {"Cache-Control": "no-store", **({"Retry-After": "2"} if status == 503 else {}), **(headers or {})}
    return JsonResponse(body, status=status, headers=headers, content_type="application/problem+json")


def handle(exception, context):
    """Django REST framework's EXCEPTION_HANDLER; what it doesn't know goes on to registration.errors."""
    if isinstance(exception, RequestDataTooBig):
        return problem(413)
    if isinstance(exception, TooManyFieldsSent | TooManyFilesSent):
        return problem(400, detail=TOO_MANY_PARTS)
    if isinstance(exception, SuspiciousOperation):
        return problem(400)
    if isinstance(exception, Http404 | ObjectDoesNotExist):  # the latter: removed while it was being changed
        return problem(404)
    if isinstance(exception, PermissionDenied):
        return problem(403)
    if isinstance(exception, exceptions.ValidationError):
        errors = list(_flatten(exception.get_full_details()))
        statuses = [_STATUS_OF_CODE.get(error["code"], 400) for error in errors]
        return problem(max(statuses, default=400), errors=errors)
    if isinstance(exception, exceptions.APIException):
        headers = {}
        if getattr(exception, "auth_header", None):
            headers["WWW-Authenticate"] = exception.auth_header
        if isinstance(exception, exceptions.MethodNotAllowed):
            headers["Allow"] = ", ".join(context["view"].allowed_methods)
        if isinstance(exception, exceptions.Throttled):
            headers["Retry-After"] = str(exception.wait)
        has_our_words = isinstance(exception, exceptions.ParseError | Refusal)  # the framework's are about itself
        return problem(
            exception.status_code,
            kind=getattr(exception, "kind", None),
            detail=exception.detail if has_our_words else None,
            headers=headers | getattr(exception, "headers", {}),
        )
    return None


def _flatten(details, field=""):
    """Yield one dictionary per error from Django REST framework's nested details."""
    if isinstance(details, dict) and set(details) == {"message", "code"} and isinstance(details["message"], str):
        yield {"field": field, "code": details["code"], "detail": details["message"]}
    elif isinstance(details, dict):
        for name, inner in details.items():
            yield from _flatten(inner, "" if name == "non_field_errors" else str(name))
    else:
        for inner in details:
            yield from _flatten(inner, field)
