from django.urls import path

from patients import api, converters, openapi  # noqa: F401 — register patient_number and what the document says

app_name = "api"
urlpatterns = [
    path("patients/", api.PatientList.as_view(), name="patients"),
    path("patients/<patient_number:number>/", api.PatientDetail.as_view(), name="patient"),
    path("patients/<patient_number:number>/messages/", api.MessageList.as_view(), name="messages"),
    path("patients/<patient_number:number>/document-photo/", api.DocumentPhoto.as_view(), name="document-photo"),
]
