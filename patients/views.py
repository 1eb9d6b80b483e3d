"""The front desk's pages."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required, permission_required
from django.http import Http404
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from patients import numbers
from patients.forms import PatientForm
from patients.models import ChangedMeanwhile, EmailTaken, Patient
from patients.photos.serving import photo_response

PAGE_SIZE = 20


def staff(permission):
    """Decorator: sign-in first, then the permission or 403; no copy of the page is kept in any cache."""

    def decorate(view):
        return never_cache(login_required(permission_required(permission, raise_exception=True)(view)))

    return decorate


@require_safe
@staff("patients.view_patient")
def list_patients(request):
    text = request.GET.get("search", "").strip()
    patients = Patient.objects.newest_first().prefetch_related("messages")
    if text:
        patients = patients.search(text)
    if before := numbers.normalize(request.GET.get("before", "")):
        patients = patients.before(before)
    page = list(patients[: PAGE_SIZE + 1])
    context = {"patients": page[:PAGE_SIZE], "search": text, "has_more": len(page) > PAGE_SIZE, "before": before}
    return render(request, "patients/list.html", context)


@staff("patients.add_patient")
def register(request):
    form = PatientForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        patient = form.save(commit=False)
        try:
            patient.register(
                by=request.user, source=Patient.Source.FORM, shared_email=form.cleaned_data["shared_email"]
            )
        except EmailTaken as taken:
            form.refuse_taken_email(taken.patient)
        else:
            # The page composes the sentence: what is kept for it between requests names nobody.
            messages.success(request, _("Registered."), extra_tags="registered")
            return redirect(patient)
    return render(request, "patients/register.html", {"form": form}, status=422 if form.errors else 200)


@require_safe
@staff("patients.view_patient")
def record(request, number):
    patient = get_object_or_404(Patient.objects.select_related("registered_by"), number=number)
    return render(request, "patients/record.html", {"patient": patient})


@staff("patients.change_patient")
def change(request, number):
    patient = get_object_or_404(Patient, number=number)
    version = request.POST.get("version", str(patient.version))
    form = PatientForm(request.POST or None, request.FILES or None, instance=patient)
    if request.method == "POST" and form.is_valid():
        try:
            form.save(commit=False).correct(
                by=request.user,
                shared_email=form.cleaned_data["shared_email"],
                version=int(version) if version.isdecimal() else 0,
            )
        except EmailTaken as taken:
            form.refuse_taken_email(taken.patient)
        except ChangedMeanwhile:
            form.add_error(
                None, _("Somebody else changed this record meanwhile. Open it again and repeat your change")
            )
        else:
            messages.success(request, _("Saved."))
            return redirect(patient)
    context = {"form": form, "patient": patient, "version": version}
    return render(request, "patients/change.html", context, status=422 if form.errors else 200)


@require_POST
@staff("patients.change_patient")
def send_again(request, number):
    patient = get_object_or_404(Patient, number=number)
    if patient.send_confirmation_again(by=request.user):
        messages.success(request, _("The confirmation will be sent again."))
    else:
        messages.info(request, _("The confirmation is already on its way."))
    return redirect(patient)


@require_safe
@login_required
def photo(request, number):
    patient = get_object_or_404(Patient, number=number)
    if not request.user.has_perm("patients.view_document_photo"):
        raise Http404  # the same as for an unknown number: whether there is a photo is nobody else's business
    return photo_response(patient, by=request.user, thumbnail=request.GET.get("size") == "thumbnail")
