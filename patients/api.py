"""The JSON API."""

import hashlib
import re
from contextlib import contextmanager
from datetime import UTC

from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.dateparse import parse_datetime
from django.utils.http import parse_etags
from django.utils.translation import gettext_lazy as _
from rest_framework import generics, pagination
from rest_framework.exceptions import NotFound, ParseError, ValidationError
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.permissions import IsAuthenticated
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.response import Response

from patients import limits
from patients.models import (
    AlreadySubmitted,
    AuditEvent,
    ChangedMeanwhile,
    EmailTaken,
    KeyReused,
    Message,
    Patient,
    Submission,
)
from patients.photos.serving import photo_response
from patients.serializers import MessageSerializer, PatientSerializer, RegistrationSerializer, RepeatedSerializer
from registration.problems import Refusal

NOT_PLAIN = _("Send the body as it is, without Content-Encoding")
NO_LENGTH = _("Send the body's length, in Content-Length, instead of chunks")
UNKNOWN_PARAMETER = _("There is no parameter of this name")
REPEATED_PARAMETER = _("This parameter must be sent once")
PAGE_SIZE = _("This must be a whole number from 1 to 100")
NOT_A_TIME = _("This must be a time with its zone, like 2026-11-23T14:03:11Z")
NOT_A_CURSOR = _("This must be a cursor from the next or previous page's address")
NOT_A_KEY = _("This must be 1 to 255 letters, digits and signs without spaces, such as a UUID")
_UNWANTED = re.compile(r";\s*q=0(\.0{0,3})?\s*$", re.IGNORECASE)
_POSITION = re.compile(r"[0-9]{1,18}")
_KEY = re.compile(r"[\x21-\x7e]{1,255}")
# RFC 3339, in any precision, of which microseconds are looked at.
_TIME = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:(\.\d{1,6})\d*)?(Z|[+-]\d\d:\d\d)", re.ASCII | re.IGNORECASE)


class NewestFirst(pagination.CursorPagination):
    """Pages that stay what they are while patients are added at the front."""

    ordering = "-pk"
    page_size, max_page_size = 20, 100
    page_size_query_param = "page_size"

    def get_page_size(self, request):
        wanted = request.query_params.get(self.page_size_query_param, str(self.page_size))
        if not re.fullmatch("[0-9]{1,3}", wanted) or not 1 <= int(wanted) <= self.max_page_size:
            raise ValidationError({self.page_size_query_param: [PAGE_SIZE]}, "invalid")
        return int(wanted)

    def decode_cursor(self, request):
        try:
            cursor = super().decode_cursor(request)
        except NotFound:
            raise ValidationError({self.cursor_query_param: [NOT_A_CURSOR]}, "invalid") from None
        if cursor and not _POSITION.fullmatch(cursor.position or ""):
            raise ValidationError({self.cursor_query_param: [NOT_A_CURSOR]}, "invalid")
        return cursor

    def get_paginated_response_schema(self, schema):
        page = {"type": ["string", "null"], "format": "uri"}
        return {
            "type": "object",
            "properties": {"next": page, "previous": page, "results": schema},
            "required": ["next", "previous", "results"],
        }

    def position(self, request):
        """Return where the page that is asked for lies: {}, or `before` or `after` and a primary key."""
        cursor = self.decode_cursor(request)
        if cursor is None or cursor.position is None:
            return {}
        return {"after" if cursor.reverse else "before": int(cursor.position)}


class JpegRenderer(BaseRenderer):
    """Says that image/jpeg is to be had; serving.photo_response() makes it."""

    media_type, format, charset = "image/jpeg", "jpg", None

    def render(self, data, accepted_media_type=None, renderer_context=None):
        return data


class Negotiation(DefaultContentNegotiation):
    """Accept as RFC 9110, section 12.5.1, has it at least in this: what has a weight of 0 is not wanted."""

    def get_accept_list(self, request):
        ranges = super().get_accept_list(request)
        return [wanted for wanted in ranges if not _UNWANTED.search(wanted)]


class ApiView(generics.GenericAPIView):
    """What every call has in common: its limits, strict parameters, answers that no cache may keep."""

    http_method_names = ["get", "head", "post", "patch"]
    content_negotiation_class = Negotiation
    throttle_classes = [limits.CallsThrottle, limits.ProbingThrottle]
    parameters = ()

    def initial(self, request, *args, **kwargs):
        super().initial(request, *args, **kwargs)
        has_body = request.method in ("POST", "PATCH")
        if has_body and request.headers.get("Content-Encoding", "identity").lower() != "identity":
            raise Refusal("unsupported-media-type", NOT_PLAIN)
        if has_body and "Transfer-Encoding" in request.headers and not request.headers.get("Content-Length"):
            raise ParseError(NO_LENGTH)
        errors = dict(self._errors_of_parameters())
        if errors:
            raise ValidationError(errors, "invalid")

    def check_permissions(self, request):
        # Else who may not do everything would be sent to ask for the permission to do what nobody can.
        if request.user.is_authenticated and request.method not in self.allowed_methods:
            self.http_method_not_allowed(request)
        super().check_permissions(request)

    def _errors_of_parameters(self):
        """Yield an error for each parameter that is unknown, since a list would show all instead of what was meant."""
        for name, values in self.request.query_params.lists():
            if name not in self.parameters:
                yield name[:100], [UNKNOWN_PARAMETER]
            elif len(values) > 1:
                yield name, [REPEATED_PARAMETER]

    def finalize_response(self, request, response, *args, **kwargs):
        response = super().finalize_response(request, response, *args, **kwargs)
        response.headers.setdefault("Cache-Control", "private, no-store")
        return response


class PatientView(ApiView):
    queryset = Patient.objects.prefetch_related("messages")
    serializer_class = PatientSerializer
    lookup_field = "number"

    @contextmanager
    def refusals(self):
        """Turn what a deed refuses into problems."""
        try:
            yield
        except EmailTaken as taken:
            limits.note_taken(self.request.user, taken.patient.email_key)
            raise Refusal("email-taken") from None
        except ChangedMeanwhile:
            raise Refusal("changed-meanwhile") from None
        except KeyReused:
            raise Refusal("key-reused") from None


class PatientList(PatientView, generics.ListCreateAPIView):
    pagination_class = NewestFirst
    parameters = ("search", "registered_after", "page_size", "cursor")

    def paginate_queryset(self, patients):
        page = super().paginate_queryset(patients)
        how = "search" if self.request.query_params.get("search") else ""
        AuditEvent.record_list(page, by=self.request.user, how=how)
        return page

    def filter_queryset(self, patients):
        parameters = self.request.query_params
        if "registered_after" in parameters:
            patients = patients.filter(registered_at__gt=_time(parameters["registered_after"]))
        if text := parameters.get("search"):
            size, place = self.paginator.get_page_size(self.request), self.paginator.position(self.request)
            patients = patients.search(text, size + 1, **place)
        return patients

    def create(self, request, *args, **kwargs):
        submission = self._submission()
        with self.refusals():
            try:
                if submission and (earlier := submission.earlier_patient()):
                    raise AlreadySubmitted(earlier)
                return self._register(RegistrationSerializer, submission=submission)
            except AlreadySubmitted as earlier:
                response = self._register(RepeatedSerializer, patient=earlier.patient)
                response["Idempotent-Replayed"] = "true"
                return response

    def _register(self, serializer_class, **values):
        serializer = serializer_class(data=self.request.data, context=self.get_serializer_context())
        serializer.is_valid(raise_exception=True)
        patient = serializer.save(**values)
        headers = {
            "Location": reverse("api:patient", args=[patient.display_number]),
            "ETag": _etag(patient, serializer.data),
        }
        return Response(serializer.data, status=201, headers=headers)

    def _submission(self):
        """Return the request as a Submission, or None when it has no key."""
        key, data = self.request.headers.get("Idempotency-Key"), self.request.data
        if key is None:
            return None
        if not _KEY.fullmatch(key):
            raise ValidationError({"Idempotency-Key": [NOT_A_KEY]}, "invalid")
        sent = dict(data.lists()) if hasattr(data, "lists") else data
        return Submission.of(self.request.user, key, self.request.method, self.request.path, sent)


class PatientDetail(PatientView, generics.RetrieveUpdateAPIView):
    def retrieve(self, request, *args, **kwargs):
        response = super().retrieve(request, *args, **kwargs)
        tag, known = _etag(self.patient, response.data), parse_etags(request.headers.get("If-None-Match", ""))
        if known == ["*"] or tag in [other.removeprefix("W/") for other in known]:
            return Response(status=304, headers={"ETag": tag})
        self.patient.record_seen(by=request.user)
        return response

    def perform_update(self, serializer):
        patient, version, before = serializer.instance, None, serializer.instance.version
        if (wanted := self.request.headers.get("If-Match", "*").strip()) != "*":
            # That the confirmation went out meanwhile is no change to lose.
            if _version(patient) not in [tag.strip().partition(".")[0] for tag in wanted.split(",")]:
                raise Refusal("changed-meanwhile")
            version = patient.version
        with self.refusals():
            serializer.save(version=version)
        if patient.version == before:  # nothing was changed, but the answer shows the record
            patient.record_seen(by=self.request.user)

    def finalize_response(self, request, response, *args, **kwargs):
        response = super().finalize_response(request, response, *args, **kwargs)
        # A refused correction has changed the patient here, but not the record: it has no version to name.
        if response.status_code == 200 and (patient := getattr(self, "patient", None)):
            response.headers.setdefault("ETag", _etag(patient, response.data))
        return response

    def get_object(self):
        self.patient = get_object_or_404(self.get_queryset().numbered(self.kwargs["number"]))
        return self.patient


class MessageList(ApiView, generics.ListAPIView):
    queryset = Message.objects.all()
    serializer_class = MessageSerializer
    pagination_class = None

    def list(self, request, number):
        self.patient = get_object_or_404(Patient.objects.numbered(number))
        self.patient.record_seen(by=request.user, detail="messages")
        return super().list(request)

    def filter_queryset(self, messages):  # get_queryset() is called for the permission, too: no place to look
        return messages.filter(patient=self.patient)


class DocumentPhoto(ApiView):
    permission_classes = [IsAuthenticated]
    renderer_classes = [JpegRenderer, JSONRenderer]

    def get(self, request, number):
        patient = get_object_or_404(Patient.objects.numbered(number))
        return photo_response(patient, by=request.user)


def _etag(patient, data):
    """Return the entity tag (RFC 9110, section 8.8.3) of what is answered: the record's version, and a hash."""
    return f'{_version(patient)}.{hashlib.sha256(repr(data).encode()).hexdigest()[:16]}"'


def _version(patient):
    return f'"{patient.number}-{patient.version}'


def _time(text):
    try:
        if (match := _TIME.fullmatch(text)) and (time := parse_datetime("".join(match.groups("")).upper())):
            return time.astimezone(UTC)
    except (ValueError, OverflowError):  # no such day; a day of another era in UTC
        pass
    raise ValidationError({"registered_after": [NOT_A_TIME]}, "invalid")
