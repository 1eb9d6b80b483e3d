"""The JSON API."""

import re

from django.http import Http404
from django.shortcuts import get_object_or_404
from django.urls import reverse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema, extend_schema_view
from rest_framework import generics, pagination
from rest_framework.permissions import IsAuthenticated

from patients.models import ChangedMeanwhile, EmailTaken, Patient
from patients.photos.serving import photo_response
from patients.serializers import PatientSerializer
from registration.problems import Refusal

_ENTITY_TAG = re.compile(r'"([^"]*)"')


class NewestFirst(pagination.CursorPagination):
    ordering = "-pk"
    page_size = 20


class PatientView:
    queryset = Patient.objects.prefetch_related("messages")
    serializer_class = PatientSerializer
    lookup_field = "number"

    def finalize_response(self, request, response, *args, **kwargs):
        response = super().finalize_response(request, response, *args, **kwargs)
        response.headers.setdefault("Cache-Control", "private, no-store")
        return response


@extend_schema_view(
    get=extend_schema(
        summary="List patients, newest first",
        parameters=[OpenApiParameter("search", str, description="Words of the name, email, phone or number")],
    ),
    post=extend_schema(summary="Register a patient"),
)
class PatientList(PatientView, generics.ListCreateAPIView):
    pagination_class = NewestFirst

    def filter_queryset(self, queryset):
        text = self.request.query_params.get("search", "")
        return queryset.search(text) if text else queryset

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

    def get_serializer_context(self):
        return super().get_serializer_context() | {"version": None}

    def perform_update(self, serializer):
        patient = serializer.instance
        if (wanted := self.request.headers.get("If-Match", "*")) != "*":
            if _etag_value(patient) not in _ENTITY_TAG.findall(wanted):
                raise Refusal("changed-meanwhile")
            serializer.context["version"] = patient.version
        try:
            serializer.save()
        except EmailTaken:
            raise Refusal("email-taken") from None
        except ChangedMeanwhile:
            raise Refusal("changed-meanwhile") from None

    def finalize_response(self, request, response, *args, **kwargs):
        response = super().finalize_response(request, response, *args, **kwargs)
        if patient := getattr(self, "patient", None):
            response.headers.setdefault("ETag", f'"{_etag_value(patient)}"')
        return response

    def get_object(self):
        self.patient = super().get_object()
        return self.patient


class DocumentPhoto(PatientView, generics.GenericAPIView):
    permission_classes = [IsAuthenticated]

    @extend_schema(
        summary="See the photo of the document",
        responses={(200, "image/jpeg"): OpenApiResponse(OpenApiTypes.BINARY)},
    )
    def get(self, request, number):
        patient = get_object_or_404(Patient, number=number)
        if not request.user.has_perm("patients.view_document_photo"):
            raise Http404
        return photo_response(patient, by=request.user)


def _etag_value(patient):
    return f"{patient.number}-{patient.version}"
