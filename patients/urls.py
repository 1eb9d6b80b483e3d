from django.urls import path

from patients import converters, views  # noqa: F401 — registers patient_number

app_name = "patients"
urlpatterns = [
    path("", views.list_patients, name="list"),
    path("register/", views.register, name="register"),
    path("<patient_number:number>/", views.record, name="record"),
    path("<patient_number:number>/change/", views.change, name="change"),
    path("<patient_number:number>/photo/", views.photo, name="photo"),
    path("<patient_number:number>/send-again/", views.send_again, name="send_again"),
]
