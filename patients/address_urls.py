from django.urls import path

from patients import views

urlpatterns = [path("<str:token>/", views.address, name="address")]
