"""Where administrators make API clients, give them scopes and tokens, and take both away."""

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.shortcuts import get_object_or_404, render
from django.urls import path
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from patients import roles
from patients.admin.base import AccountAdmin, ReadOnlyAdmin
from patients.models import ApiToken, Client

SCOPES = {
    "patients:register": _("register patients"),
    "patients:read": _("find patients, see them and their photos"),
    "patients:change": _("correct patients, which shows them, but not their photos"),
}


class ClientForm(forms.ModelForm):
    scopes = forms.MultipleChoiceField(
        label=_("Scopes"),
        choices=[(name, format_html("<code>{}</code> – {}", name, SCOPES[name])) for name in roles.SCOPES],
        widget=forms.CheckboxSelectMultiple,
        help_text=_("As few as the client needs."),
    )

    class Meta:
        model = Client
        fields = ["username", "scopes", "is_active"]
        labels = {"username": _("Name")}
        help_texts = {
            "username": _("Of the other system. Make a client for each."),
            "is_active": _("While this is off, none of its tokens works."),
        }

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            self.initial.setdefault("scopes", self.instance.scopes)


class TokenForm(forms.Form):
    days = forms.IntegerField(
        label=_("Days until it expires"), min_value=1, max_value=ApiToken.DAYS_MOST, initial=ApiToken.DAYS
    )


class TokensOfClient(admin.TabularInline):
    model = ApiToken
    exclude = ["digest"]  # or Django takes it for a field that is shown, and its form names no token to be deleted
    fields = readonly_fields = ["created", "expiry", "last_used_at"]
    extra = 0
    has_add_permission = has_change_permission = lambda self, request, obj=None: False


@admin.register(Client)
class ClientAdmin(AccountAdmin, admin.ModelAdmin):
    form = ClientForm
    list_display = ["username", "scope_names", "is_active"]
    list_filter = ["is_active"]
    search_fields = ["username"]
    inlines = [TokensOfClient]
    change_form_template = "admin/patients/client/change.html"

    def get_queryset(self, request):
        return super().get_queryset(request).prefetch_related("groups")

    @admin.display(description=_("scopes"))
    def scope_names(self, client):
        return ", ".join(client.scopes)

    def get_inlines(self, request, client):
        return self.inlines if client else []

    def save_model(self, request, client, form, change):
        if not change:
            client.set_unusable_password()
        client.save()
        client.set_scopes(form.cleaned_data["scopes"])

    def save_formset(self, request, form, formset, change):
        formset.save(commit=False)
        for token in formset.deleted_objects:
            token.revoke(by=request.user)

    def get_urls(self):
        token = self.admin_site.admin_view(self.token)
        return [path("<int:pk>/token/", token, name="patients_client_token"), *super().get_urls()]

    def token(self, request, pk):
        """Make a token and show it, this once."""
        if not request.user.has_perm("patients.add_apitoken"):
            raise PermissionDenied
        client, token = get_object_or_404(Client, pk=pk), None
        form = TokenForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            token = ApiToken.issue(client, by=request.user, days=form.cleaned_data["days"])
        context = self.admin_site.each_context(request) | {
            "title": _("New token for %(client)s") % {"client": client},
            "client": client,
            "form": form,
            "token": token,
            "opts": self.opts,
        }
        return render(request, "admin/patients/client/token.html", context)


@admin.register(ApiToken)
class ApiTokenAdmin(ReadOnlyAdmin):
    """Every token, also those of people; made by `manage.py create_api_token` or on a client's page."""

    list_display = ["user", "created", "expiry", "last_used_at"]
    ordering = ["-created"]
    list_select_related = ["user"]
    fields = list_display

    def has_delete_permission(self, request, obj=None):
        return admin.ModelAdmin.has_delete_permission(self, request, obj)

    def delete_model(self, request, token):
        token.revoke(by=request.user)

    def delete_queryset(self, request, tokens):
        for token in tokens:
            token.revoke(by=request.user)
