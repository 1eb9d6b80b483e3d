"""The JSON API."""

import re

from django.shortcuts import get_object_or_404
from django.urls import reverse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema, extend_schema_view
from rest_framework import generics, pagination
from rest_framework.exceptions import NotFound
from rest_framework.permissions import IsAuthenticated
from rest_framework.renderers import BaseRenderer, JSONRenderer

from patients.models import AuditEvent, ChangedMeanwhile, EmailTaken, Message, Patient
from patients.photos.serving import photo_response
from patients.serializers import MessageSerializer, PatientSerializer
from registration.problems import Refusal

_POSITION = re.compile(r"[0-9]{1,18}")


class NewestFirst(pagination.CursorPagination):
    ordering = "-pk"
    page_size = 20

    def decode_cursor(self, request):
        cursor = super().decode_cursor(request)
        if cursor and cursor.position is not None and not _POSITION.fullmatch(cursor.position):
            raise NotFound(self.invalid_cursor_message)
        return cursor

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


class Private:
    """Answers that no cache may keep."""

    def finalize_response(self, request, response, *args, **kwargs):
        response = super().finalize_response(request, response, *args, **kwargs)
        response.headers.setdefault("Cache-Control", "private, no-store")
        return response


class PatientView(Private):
    queryset = Patient.objects.prefetch_related("messages")
    serializer_class = PatientSerializer
    lookup_field = "number"


@extend_schema_view(
    get=extend_schema(
        summary="List patients, newest first",
        parameters=[OpenApiParameter("search", str, description="Words of the name, email, phone or number")],
    ),
    post=extend_schema(summary="Register a patient"),
)
class PatientList(PatientView, generics.ListCreateAPIView):
    pagination_class = NewestFirst

    def list(self, request, *args, **kwargs):
        detail = "search" if request.query_params.get("search") else ""
        AuditEvent.record(AuditEvent.Action.LOOKED_UP, by=request.user, detail=detail)
        return super().list(request, *args, **kwargs)

    def filter_queryset(self, queryset):
        text = self.request.query_params.get("search", "")
        if not text:
            return queryset
        page = self.paginator.position(self.request)
        return queryset.search(text, self.paginator.page_size + 1, **page)

    def perform_create(self, serializer):
        try:
            serializer.save()
        except EmailTaken:
            raise Refusal("email-taken") from None

    def get_success_headers(self, data):
        return {"Location": reverse("api:patient", args=[data["number"]])}


@extend_schema_view(
    get=extend_schema(summary="Read a patient"),
    patch=extend_schema(
        summary="Correct a patient",
        parameters=[OpenApiParameter("If-Match", str, OpenApiParameter.HEADER, description="The ETag that was read")],
    ),
)
class PatientDetail(PatientView, generics.RetrieveUpdateAPIView):
    http_method_names = ["get", "head", "options", "patch"]

    def retrieve(self, request, *args, **kwargs):
        response = super().retrieve(request, *args, **kwargs)
        self.patient.record_seen(by=request.user)
        return response

    def perform_update(self, serializer):
        patient, version = serializer.instance, None
        if (wanted := self.request.headers.get("If-Match", "*").strip()) != "*":
            if _etag(patient) not in [tag.strip() for tag in wanted.split(",")]:
                raise Refusal("changed-meanwhile")
            version = patient.version
        try:
            serializer.save(version=version)
        except EmailTaken:
            raise Refusal("email-taken") from None
        except ChangedMeanwhile:
            raise Refusal("changed-meanwhile") from None

    def finalize_response(self, request, response, *args, **kwargs):
        response = super().finalize_response(request, response, *args, **kwargs)
        if patient := getattr(self, "patient", None):
            response.headers.setdefault("ETag", _etag(patient))
        return response

    def get_object(self):
        self.patient = super().get_object()
        return self.patient


@extend_schema_view(get=extend_schema(summary="See every message to a patient, newest first"))
class MessageList(Private, generics.ListAPIView):
    queryset = Message.objects.all()
    serializer_class = MessageSerializer
    pagination_class = None

    def get_queryset(self):
        if getattr(self, "swagger_fake_view", False):
            return super().get_queryset()
        return get_object_or_404(Patient, number=self.kwargs["number"]).messages.all()

    def list(self, request, number):
        get_object_or_404(Patient, number=number).record_seen(by=request.user, detail="messages")
        return super().list(request)


class DocumentPhoto(PatientView, generics.GenericAPIView):
    permission_classes = [IsAuthenticated]
    renderer_classes = [JpegRenderer, JSONRenderer]

    @extend_schema(
        summary="See the photo of the document",
        responses={(200, "image/jpeg"): OpenApiResponse(OpenApiTypes.BINARY)},
    )
    def get(self, request, number):
        patient = get_object_or_404(Patient, number=number)
        return photo_response(patient, by=request.user)


def _etag(patient):
    return f'"{patient.number}-{patient.version}"'
