"""The page of a record, and what belongs to it."""

import segno
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.safestring import mark_safe
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from patients import numbers
from patients.models import AuditEvent, Patient, Resemblance
from patients.photos.serving import photo_response
from patients.views import staff

HISTORY_MOST = 50


@require_safe
@staff("patients.view_patient")
def record(request, number):
    patient = get_object_or_404(Patient.objects.select_related("registered_by").numbered(number))
    if patient.number != number:
        return redirect(patient)
    patient.record_seen(by=request.user)
    context = {
        "patient": patient,
        "messages_sent": patient.messages.all(),
        "resemblances": Resemblance.of(patient),
        "history": history_of(patient),
    }
    return render(request, "patients/record.html", context)


def history_of(patient):
    """Return [(event, labels of the fields that were changed)], the newest first."""
    # What is noted on both numbers, of which both lead here when the records were merged.
    mirrored = {"action__in": AuditEvent.OF_TWO, "detail": patient.display_number}
    events = AuditEvent.objects.of(patient).deeds().exclude(**mirrored).select_related("actor")[:HISTORY_MOST]
    labels = {field.name: field.verbose_name for field in Patient._meta.fields} | {"shared_email": _("shared address")}
    return [(event, [labels[name] for name in event.detail.split(", ") if name in labels]) for event in events]


@require_safe
@staff("patients.view_patient")
def confirmation(request, number):
    """The state of the confirmation alone, which the page asks for until it is answered or failed for good."""
    patient = get_object_or_404(Patient, number=number)
    context = {"patient": patient, "messages_sent": patient.messages.all()}
    return render(request, "patients/_confirmation.html", context)


@require_safe
@staff("patients.view_patient")
def slip(request, number):
    """What the patient takes home: the number, for people and for a scanner that types into the search box."""
    patient = get_object_or_404(Patient, number=number)
    patient.record_seen(by=request.user, detail="slip")
    code = segno.make_qr(patient.display_number, error="q")
    drawing = mark_safe(code.svg_inline(svgclass="qr", omitsize=True))  # noqa: S308 — of a number, not of what was typed
    return render(request, "patients/slip.html", {"patient": patient, "qr": drawing})


@require_POST
@staff("patients.change_patient")
def tell_apart(request, number):
    patient = get_object_or_404(Patient, number=number)
    other = get_object_or_404(Patient, number=numbers.normalize(request.POST.get("other", "")))
    if other != patient:
        try:
            patient.tell_apart([other], by=request.user)
        except Patient.DoesNotExist:
            raise Http404 from None
        messages.success(request, _("Noted: they are different people. You will not be asked about them again."))
    return redirect(patient)


@require_http_methods(["GET", "HEAD", "POST"])
@staff(("patients.view_patient", "patients.merge_patient"))
def merge(request, number):
    """Two records of one person beside each other; each has the button that keeps it."""
    number_of_other = numbers.normalize(request.GET.get("other", ""))
    patient = get_object_or_404(Patient.objects.numbered(number))
    other = get_object_or_404(Patient.objects.numbered(number_of_other))
    if number == number_of_other:
        raise Http404
    if (patient.number, other.number) != (number, number_of_other):
        return redirect(patient)  # merged meanwhile, perhaps by the first click on this very button
    if request.method != "POST":
        for shown in (patient, other):
            shown.record_seen(by=request.user, detail="merge")
        return render(request, "patients/merge.html", {"pair": [patient, other]})
    by_number = {patient.number: (patient, other), other.number: (other, patient)}
    kept, gone = by_number.get(numbers.normalize(request.POST.get("keep", "")), (None, None))
    if kept is None:
        raise Http404
    try:
        kept.merge(gone, by=request.user)
    except Patient.DoesNotExist:
        raise Http404 from None
    text = _("The two records are one now. The number %(number)s leads here, too.")
    messages.success(request, text % {"number": gone.display_number})
    return redirect(kept)


@require_POST
@staff("patients.change_patient")
def send_again(request, number):
    patient = get_object_or_404(Patient, number=number)
    try:
        is_queued = patient.send_confirmation_again(by=request.user)
    except Patient.DoesNotExist:
        raise Http404 from None
    if is_queued:
        messages.success(request, _("The confirmation will be sent again."))
    elif patient.email_state == Patient.EmailState.DISPUTED:
        messages.error(request, _("Correct the address first: whoever has it says that it is not this patient's."))
    else:
        messages.info(request, _("The confirmation is already on its way."))
    return redirect(patient)


@require_safe
@login_required
def photo(request, number):
    patient = get_object_or_404(Patient, number=number)
    return photo_response(patient, by=request.user, thumbnail=request.GET.get("size") == "thumbnail")
