"""The front desk's pages."""

import hashlib
import re
import uuid
from contextlib import contextmanager, suppress
from datetime import timedelta

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required, permission_required
from django.core.exceptions import NON_FIELD_ERRORS
from django.http import Http404
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.cache import get_conditional_response
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST
from django.views.decorators.vary import vary_on_headers
from django.views.i18n import set_language

from patients import language, numbers
from patients.forms import DeskForm, as_typed, entered_as
from patients.messages import links
from patients.models import (
    AlreadySubmitted,
    AuditEvent,
    ChangedMeanwhile,
    EmailTaken,
    KeyReused,
    Patient,
    PhotoUsed,
    Resemblance,
    Submission,
)
from patients.photos.storage import is_no_space
from registration import tokens

PAGE_SIZE = 20
SEARCH_LENGTH = 254  # characters, as many as the longest address has
SEARCHED_FOR = timedelta(hours=12)  # how long an address leads to what was searched for
_SOUGHT = "patients.sought"
_VERSION = re.compile(r"[0-9]{1,9}")
CHANGED_MEANWHILE = gettext_lazy("Somebody else changed this record meanwhile. Open it again and repeat your change")
SENT_BEFORE = gettext_lazy("This form has registered somebody already. To register this person too, send it again")


def staff(permission):
    """Decorator: sign-in first, then the permission or 403; no copy of the page is kept in any cache."""

    def decorate(view):
        return never_cache(login_required(permission_required(permission, raise_exception=True)(view)))

    return decorate


def searched_for(request):
    """Return the text that is searched for. Browsers and proxies keep addresses, so in ours it stands sealed."""
    if token := request.GET.get("sought"):
        with suppress(tokens.BadSignature):
            return tokens.unseal(token, salt=_SOUGHT, max_age=SEARCHED_FOR)
        return ""
    return request.POST.get("search", request.GET.get("search", "")).strip()[:SEARCH_LENGTH]


def with_sought(address, text):
    return reverse(address, query={"sought": tokens.seal(text, salt=_SOUGHT)} if text else None)


@require_http_methods(["GET", "HEAD", "POST"])
@vary_on_headers("X-Requested-With")
@staff("patients.view_patient")
def list_patients(request):
    text = searched_for(request)
    address = with_sought("patients:list", text)
    is_too_old = "sought" in request.GET and not text
    if (request.method == "POST" and not is_from_script(request)) or is_too_old:
        return redirect(address)
    number = numbers.normalize(request.GET.get("before", ""))
    before = number and Patient.objects.filter(number=number).first()
    patients = Patient.objects.newest_first().with_confirmation_status()
    if text:
        patients = patients.search(text, PAGE_SIZE + 1, before=before and before.pk)
    if before:
        patients = patients.filter(pk__lt=before.pk)
    page = list(patients[: PAGE_SIZE + 1])
    # Every open list asks again every few seconds: mostly it shows all that there is.
    shown = [(patient.number, patient.version, patient.confirmation_status) for patient in page]
    etag = f'"{hashlib.sha256(repr(shown).encode()).hexdigest()}"'
    if nothing_new := get_conditional_response(request, etag=etag):
        return nothing_new
    AuditEvent.record_list(page[:PAGE_SIZE], by=request.user, how="search" if text else "")
    context = {
        "patients": page[:PAGE_SIZE],
        "search": text,
        "address": address,
        "has_more": len(page) > PAGE_SIZE,
        "before": before,
    }
    template = "patients/_results.html" if is_from_script(request) else "patients/list.html"
    response = render(request, template, context)
    response["ETag"] = etag
    if request.method == "POST":
        response["Content-Location"] = address
    return response


def is_from_script(request):
    return request.headers.get("X-Requested-With") == "XMLHttpRequest"


@require_http_methods(["GET", "HEAD", "POST"])
@staff("patients.add_patient")
def register(request):
    if "search" in request.POST:  # the list's search box, whose text is carried over
        return redirect(with_sought("patients:register", searched_for(request)))
    initial = entered_as(searched_for(request))
    form = DeskForm(*posted(request), user=request.user, initial=initial)
    submission_id = form.data.get("submission_id")
    if request.method == "POST":
        try:
            with refusals_of(form):
                if patient := registered(request, form, submission_id):
                    # The page composes the sentence: what is kept for it between requests names nobody.
                    messages.success(request, _("Registered."), extra_tags="registered")
                    return saved(request, form, patient)
        except KeyReused as reused:
            # Somebody went back in the browser, to the page of the last patient, and entered the next one there; or
            # corrected what had arrived, though its answer had not.
            submission_id, form.sent_before = None, reused.patient
            form.add_error(None, SENT_BEFORE)
            form.keep_photo()
        except PhotoUsed:
            form.refuse_used_photo()
    note_who_is_shown(request, form)
    context = {"form": form, "submission_id": submission_id or uuid.uuid4().hex}
    return render(request, "patients/register.html", context, status=status_of(form))


def registered(request, form, submission_id):
    """Return whom the form registers, or registered when it was sent the first time; None when it has errors."""
    if submission_id:
        entered = dict(request.POST.lists()) | {"csrfmiddlewaretoken": None}
        form.submission = Submission.of(request.user, submission_id, entered, dict(request.FILES.lists()))
        if earlier := form.submission.earlier_patient():
            return earlier
    if not form.is_valid():
        # The first click's registration may be what the second one's form just found fault with.
        return form.submission.earlier_patient() if form.submission else None
    patient, shared_email = form.save(commit=False), form.cleaned_data["shared_email"]
    try:
        patient.register(
            by=request.user,
            source=Patient.Source.FORM,
            shared_email=shared_email,
            submission=form.submission,
            draft=form.used_draft,
            apart_from=form.apart_from,
        )
    except AlreadySubmitted as twin:
        return twin.patient
    return patient


@require_http_methods(["GET", "HEAD", "POST"])
@staff("patients.change_patient")
def change(request, number):
    patient = get_object_or_404(Patient, number=number)
    form = DeskForm(*posted(request), instance=patient, user=request.user)
    version = form.data.get("version", str(patient.version))
    if request.method == "POST" and form.is_valid():
        try:
            with refusals_of(form):
                form.save(commit=False).correct(
                    form.changed_fields,
                    by=request.user,
                    shared_email=form.changed_sharing,
                    version=int(version) if _VERSION.fullmatch(version) else 0,
                    draft=form.used_draft,
                    apart_from=form.apart_from,
                )
                messages.success(request, _("Saved."))
                return saved(request, form, patient)
        except PhotoUsed:
            form.refuse_used_photo()
    note_who_is_shown(request, form)
    if request.method != "POST":
        patient.record_seen(by=request.user)
    context = {"form": form, "patient": patient, "version": version}
    return render(request, "patients/change.html", context, status=status_of(form))


def posted(request):
    return (request.POST, request.FILES) if request.method == "POST" else (None, None)


def note_who_is_shown(request, form):
    """Note that the form shows others beside the one that it is about: who has the address, who is likely the same,
    whom it registered before.
    """
    shown = [resemblance.patient for resemblance in form.resemblances]
    if shown := shown + list(filter(None, [form.taken_by, form.sent_before])):
        AuditEvent.record_list(shown, by=request.user, how="same person")


@require_POST
@staff("patients.view_patient")
def matches(request, number=None):
    """Who may be the same person as the one whose name, address or number was just typed: a part of the form."""
    patient = get_object_or_404(Patient, number=number) if number else Patient()
    own_email = patient.email
    as_typed(patient, request.POST)
    resemblances = Resemblance.of(patient)
    shown = [resemblance.patient for resemblance in resemblances]
    others = Patient.objects.exclude(pk__in=[patient.pk, *(other.pk for other in shown)])
    taken_by = others.having_email(patient.email).first() if patient.email != own_email else None
    if shown := shown + [taken_by] * bool(taken_by):
        AuditEvent.record_list(shown, by=request.user, how="same person")
    ticked = {numbers.normalize(typed) for typed in request.POST.getlist("apart_from")}
    context = {"resemblances": resemblances, "ticked": ticked, "taken_by": taken_by}
    return render(request, "patients/_matches.html", context)


@contextmanager
def refusals_of(form):
    """Turn what a deed refuses into errors of its form, which keeps everything that was entered."""
    try:
        yield
    except EmailTaken as taken:
        form.refuse_taken_email(taken.patient)
    except ChangedMeanwhile:
        form.add_error(None, CHANGED_MEANWHILE)
        form.changed_meanwhile = CHANGED_MEANWHILE
    except Patient.DoesNotExist:
        raise Http404 from None
    except OSError as error:
        if not is_no_space(error):
            raise
        form.refuse_for_want_of_room()
    else:
        return
    form.keep_photo()


def status_of(form):
    if form.has_error(NON_FIELD_ERRORS, "no_room"):
        return 507
    return 422 if form.errors else 200


def saved(request, form, patient):
    form.forget_draft()
    photo = getattr(form, "cleaned_data", {}).get("document_photo")  # none of a form that was sent twice
    if getattr(photo, "hard_to_read", False):
        messages.warning(request, _("The photo is dark or not quite sharp. Check that the text can be read."))
    response = redirect(patient if request.user.has_perm("patients.view_patient") else "patients:register")
    if is_from_script(request):
        response.status_code = 201  # a redirect would be followed by the script, which the page must do
    return response


@require_POST
def choose_language(request):
    """Speak the language that somebody chose: in this browser, and to staff wherever they sign in."""
    response = set_language(request)
    chosen = request.POST.get("language")
    if request.user.is_authenticated and chosen in dict(settings.LANGUAGES):
        language.choose(request, chosen)
    return response


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def address(request, token):
    """For whoever got the mail, without signing in. Only a POST changes anything: link scanners send none."""
    answer = request.POST.get("answer")
    is_answered = answer in (Patient.EmailState.CONFIRMED, Patient.EmailState.DISPUTED)
    try:
        patient = links.patient_of(token)
        if is_answered:
            patient.answer_about_email(answer)
    except (links.BadLink, Patient.DoesNotExist):
        return render(request, "patients/address.html", {"answer": "bad link"}, status=404)
    return render(request, "patients/address.html", {"answer": answer if is_answered else None})
