from django.urls import path

from patients import converters, record_views, views  # noqa: F401 — registers patient_number

app_name = "patients"
urlpatterns = [
    path("", views.list_patients, name="list"),
    path("register/", views.register, name="register"),
    path("register/matches/", views.matches, name="matches"),
    path("<patient_number:number>/", record_views.record, name="record"),
    path("<patient_number:number>/change/", views.change, name="change"),
    path("<patient_number:number>/matches/", views.matches, name="matches"),
    path("<patient_number:number>/photo/", record_views.photo, name="photo"),
    path("<patient_number:number>/send-again/", record_views.send_again, name="send_again"),
    path("<patient_number:number>/confirmation/", record_views.confirmation, name="confirmation"),
    path("<patient_number:number>/different-person/", record_views.tell_apart, name="tell_apart"),
    path("<patient_number:number>/merge/", record_views.merge, name="merge"),
    path("<patient_number:number>/slip/", record_views.slip, name="slip"),
]
