from contextlib import suppress

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import path, reverse
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from django_q import models as queue_models

from patients import numbers
from patients.admin import clients, staff  # noqa: F401 — each registers its own
from patients.admin.base import BigAdmin, ReadOnlyAdmin, SinceFilter
from patients.export import as_csv, as_json
from patients.fields import DocumentPhotoField
from patients.forms import PatientForm
from patients.messages import health
from patients.messages.channels import channel, enabled
from patients.models import AuditEvent, EmailTaken, Message, Patient, PhotoUsed
from patients.photos.storage import is_no_space

# Whoever may edit the queue's rows can make the worker run any function, and a failed job's row holds its arguments.
for model in (queue_models.Schedule, queue_models.Success, queue_models.Failure, queue_models.OrmQ):
    admin.site.unregister(model)

EXPORT_MOST, FILTERED_MOST, FOUND_MOST = 5000, 1000, 200


class MessageStatus(admin.SimpleListFilter):
    """Patients with a message in a state; of very many, those with the newest such messages."""

    title, parameter_name = _("status"), "message"

    def lookups(self, request, model_admin):
        return Message.Status.choices

    def queryset(self, request, queryset):
        if not self.value():
            return queryset
        newest = Message.objects.filter(status=self.value()).order_by("-pk").values_list("patient", flat=True)
        return queryset.filter(pk__in=set(newest[:FILTERED_MOST]))


@admin.register(Patient)
class PatientAdmin(BigAdmin):
    form = PatientForm
    formfield_overrides = {DocumentPhotoField: {}}  # its own widget, not admin's, which would link to a URL
    list_display = [
        "display_number", "full_name", "email", "email_state", "phone", "registered_at", "source",
        "confirmation_status",
    ]  # fmt: skip
    list_filter = ["source", ("registered_at", SinceFilter), MessageStatus]
    search_fields = ["number"]  # shows the box; get_search_results looks things up
    search_help_text = _("Name, email address, phone or patient number")
    actions = ["export_csv", "export_json"]
    shown = [
        "display_number", "photo", "document_seen_at", "document_seen_by", "source", "registered_at", "registered_by",
        "confirmation_status", "email_state",
    ]  # fmt: skip

    def get_form(self, request, obj=None, change=False, **kwargs):
        form = super().get_form(request, obj, change, **kwargs)

        class FormOfUser(form):
            has_no_room = getattr(request, "has_no_room", False)

            def __init__(self, *args, **kwargs):
                super().__init__(*args, user=request.user, **kwargs)

        return FormOfUser

    def view_on_site(self, patient):
        return patient.get_absolute_url()

    def get_fields(self, request, obj=None):
        entered = [*Patient.ENTERED, "shared_email", "kept_photo"]
        if obj and not self.has_change_permission(request, obj):
            entered = [name for name in Patient.ENTERED if name != "document_photo"]
        return [*self.shown, *entered, "language"] if obj else entered

    def get_readonly_fields(self, request, obj=None):
        return self.shown

    def get_queryset(self, request):
        return super().get_queryset(request).prefetch_related("messages")

    def get_search_results(self, request, queryset, search_term):
        return (queryset.search(search_term, FOUND_MOST) if search_term else queryset), False

    @admin.display(description=_("patient number"), ordering="number")
    def display_number(self, patient):
        return patient.display_number

    @admin.display(description=_("confirmation"))
    def confirmation_status(self, patient):
        return patient.confirmation.status_label if patient.confirmation else "–"

    @admin.display(description=_("photo"))
    def photo(self, patient):
        if not patient.document_photo:
            return _("deleted on %(day)s") % {"day": date_format(patient.photo_deleted_at)}
        url = reverse("patients:photo", args=[patient.display_number])
        return format_html(
            '<a href="{0}"><img src="{0}?size=thumbnail" alt="{1}" height="200"></a>',
            url,
            _("Photo of the identity document"),
        )

    def changeform_view(self, request, object_id=None, form_url="", extra_context=None):
        # Without the transaction that Django puts around it: register() and correct() bring their own, which is
        # on disk when they return.
        try:
            return self._changeform_view(request, object_id, form_url, extra_context)
        except (EmailTaken, PhotoUsed):
            # Somebody took the address, or the kept photo, after the form had asked; asked once more, it says so.
            return self._changeform_view(request, object_id, form_url, extra_context)
        except OSError as error:
            if not is_no_space(error):
                raise
            request.has_no_room = True
            return self._changeform_view(request, object_id, form_url, extra_context)
        except Patient.DoesNotExist:
            raise Http404 from None

    def changelist_view(self, request, extra_context=None):
        response = super().changelist_view(request, extra_context)
        if shown := getattr(response, "context_data", {}).get("cl"):
            how = "search" if request.GET.get("q") else ""
            AuditEvent.record_list(shown.result_list, by=request.user, how=how)
        return response

    def render_change_form(self, request, context, *args, obj=None, **kwargs):
        if obj:
            obj.record_seen(by=request.user)
        return super().render_change_form(request, context, *args, obj=obj, **kwargs)

    def delete_view(self, request, object_id, extra_context=None):
        try:
            return self._delete_view(request, object_id, extra_context)  # for the same reason
        except Patient.DoesNotExist:
            raise Http404 from None

    def save_model(self, request, patient, form, change):
        shared_email = form.cleaned_data["shared_email"]
        if change:
            patient.correct(
                form.changed_fields, by=request.user, shared_email=form.changed_sharing, draft=form.used_draft
            )
        else:
            patient.register(
                by=request.user, source=Patient.Source.ADMIN, shared_email=shared_email, draft=form.used_draft
            )
        form.forget_draft()

    def log_deletions(self, request, patients):
        """Django's log keeps nothing of a patient who is erased; the audit does."""

    def delete_model(self, request, patient):
        patient.erase(by=request.user)

    def delete_queryset(self, request, patients):
        for patient in patients:
            with suppress(Patient.DoesNotExist):
                patient.erase(by=request.user)

    def has_export_permission(self, request):
        return request.user.has_perm("patients.export_patient")

    @admin.action(description=_("Export as CSV"), permissions=["export"])
    def export_csv(self, request, patients):
        return self._export(request, patients, as_csv, "csv")

    @admin.action(description=_("Export as JSON, with messages and history"), permissions=["export"])
    def export_json(self, request, patients):
        return self._export(request, patients, as_json, "json")

    def _export(self, request, patients, write, kind):
        patients = list(patients[: EXPORT_MOST + 1])
        if len(patients) > EXPORT_MOST:
            text = _("Choose at most %(most)d patients to export.") % {"most": EXPORT_MOST}
            return self.message_user(request, text, messages.ERROR)
        AuditEvent.record_each(AuditEvent.Action.EXPORTED, by=request.user, patients=patients, detail=kind)
        return HttpResponse(
            write(patients),
            content_type={"csv": "text/csv; charset=utf-8", "json": "application/json"}[kind],
            headers={"Content-Disposition": f'attachment; filename="patients.{kind}"'},
        )

    def get_deleted_objects(self, patients, request):
        """What goes with a patient (messages, keys) goes by the right to remove the patient."""
        patients = list(patients)
        needed = set() if self.has_delete_permission(request) else {Patient._meta.verbose_name}
        return [str(patient) for patient in patients], {Patient._meta.verbose_name_plural: len(patients)}, needed, []


class ChannelFilter(admin.SimpleListFilter):
    """Messages of a channel; Django's own filter would look through all of them for the names of the channels."""

    title, parameter_name = _("channel"), "channel"

    def lookups(self, request, model_admin):
        return [(name, channel(name).label) for name in dict.fromkeys(["email", "sms", *enabled()])]

    def queryset(self, request, queryset):
        return queryset.filter(channel=self.value()) if self.value() else queryset


@admin.register(Message)
class MessageAdmin(ReadOnlyAdmin):
    change_list_template = "admin/patients/message/list.html"
    list_display = [
        "patient", "channel_label", "status", "attempts", "last_attempt_at", "next_attempt_at", "failure_sentence",
    ]  # fmt: skip
    list_filter = ["status", ChannelFilter, ("created_at", SinceFilter)]
    list_select_related = ["patient"]
    fields = [*list_display, "created_at", "sent_at", "message_id", "possible_duplicate"]
    actions = ["send_again", "give_up"]

    @admin.display(description=_("channel"), ordering="channel")
    def channel_label(self, message):
        return message.channel_label

    @admin.display(description=_("reason of the last failure"), ordering="failure")
    def failure_sentence(self, message):
        return message.failure_sentence

    def get_urls(self):
        state = self.admin_site.admin_view(self.state)
        return [path("state/", state, name="patients_message_state"), *super().get_urls()]

    def state(self, request):
        """How the messages are doing, for administrators."""
        if not request.user.has_perm("patients.view_auditevent"):
            raise PermissionDenied
        context = self.admin_site.each_context(request) | health.report() | {"title": _("State of the messages")}
        return render(request, "admin/patients/message/state.html", context)

    def has_send_again_permission(self, request):
        return request.user.has_perm("patients.change_patient")

    has_give_up_permission = has_send_again_permission

    @admin.action(description=_("Give up"), permissions=["give_up"])
    def give_up(self, request, chosen):
        count = sum(message.give_up(by=request.user) for message in chosen.select_related("patient"))
        text = ngettext("%(count)d message was given up.", "%(count)d messages were given up.", count)
        self.message_user(request, text % {"count": count})

    @admin.action(description=_("Send again"), permissions=["send_again"])
    def send_again(self, request, chosen):
        wanted = {(message.patient, message.channel) for message in chosen.select_related("patient")}
        count = 0
        for patient, name in wanted:
            with suppress(Patient.DoesNotExist):  # erased meanwhile
                count += patient.send_confirmation_again(by=request.user, channel=name)
        text = ngettext(
            "%(count)d confirmation will be sent again.", "%(count)d confirmations will be sent again.", count
        )
        self.message_user(request, text % {"count": count})


@admin.register(AuditEvent)
class AuditEventAdmin(ReadOnlyAdmin):
    list_display = ["at", "action", "display_number", "detail", "actor", "address", "client"]
    list_filter = ["action", ("at", SinceFilter), "actor"]
    list_select_related = ["actor"]
    search_fields = ["patient_number"]  # shows the box; get_search_results looks things up
    search_help_text = _("Patient number; after choosing “looked through the list”, of a patient whom it showed")

    def get_search_results(self, request, queryset, search_term):
        number = numbers.normalize(search_term)
        if not search_term:
            found = queryset
        elif number and request.GET.get("action__exact") == AuditEvent.Action.LOOKED_UP:
            found = queryset.lists_with(number)
        else:
            found = queryset.filter(patient_number=number)
        return found, False

    @admin.display(description=_("patient number"), ordering="patient_number")
    def display_number(self, event):
        return numbers.display(event.patient_number) if event.patient_number else "–"
