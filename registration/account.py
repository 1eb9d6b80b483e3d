"""Somebody's own account: the password and the second factor."""

from django import forms
from django.contrib import messages
from django.contrib.auth import authenticate, update_session_auth_hash
from django.contrib.auth import views as auth
from django.contrib.auth.decorators import login_required
from django.contrib.auth.forms import PasswordChangeForm
from django.shortcuts import redirect, render
from django.urls import reverse_lazy
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_safe
from django_otp import login as note_device
from django_otp.plugins.otp_static.models import StaticToken

from registration import second_factor as factor

OLD_MISSING = gettext_lazy("Enter your present password")
OLD_WRONG = gettext_lazy("The present password is not correct. After several wrong ones, wait some minutes")
NEW_MISSING = gettext_lazy("Enter a new password")
REPEAT_MISSING = gettext_lazy("Enter the new password again")
MISMATCH = gettext_lazy("The two new passwords are not the same")


class PasswordField(forms.CharField):
    def __init__(self, label, missing, autocomplete):
        widget = forms.PasswordInput(attrs={"autocomplete": autocomplete})
        super().__init__(label=label, strip=False, widget=widget, error_messages={"required": missing})


class KnowsPassword:
    """A form that asks for the present password, under the same limit of tries as the sign-in page."""

    use_required_attribute = False

    def __init__(self, request, *args, **kwargs):
        super().__init__(*args, label_suffix="", **kwargs)
        self.request = request

    def clean_old_password(self):
        password, name = self.cleaned_data["old_password"], self.request.user.get_username()
        if authenticate(self.request, username=name, password=password) != self.request.user:
            raise forms.ValidationError(OLD_WRONG, "wrong")
        return password


class PasswordForm(KnowsPassword, PasswordChangeForm):
    error_messages = {"password_mismatch": MISMATCH}
    old_password = PasswordField(gettext_lazy("Present password"), OLD_MISSING, "current-password")
    new_password1 = PasswordField(gettext_lazy("New password"), NEW_MISSING, "new-password")
    new_password2 = PasswordField(gettext_lazy("New password again"), REPEAT_MISSING, "new-password")


class ConfirmForm(KnowsPassword, forms.Form):
    old_password = PasswordField(gettext_lazy("Password"), OLD_MISSING, "current-password")


class SetUpForm(ConfirmForm):
    code = factor.CodeField(help_text=gettext_lazy("The six digits that your app shows now"))

    def __init__(self, request, device, *args, **kwargs):
        super().__init__(request, *args, **kwargs)
        self.device = device

    def clean(self):
        # Last, since a code is used up by being looked at.
        if not self.errors and not self.device.verify_token(factor.plain(self.cleaned_data["code"])):
            self.add_error("code", forms.ValidationError(factor.CODE_WRONG, "wrong"))


@require_safe
@login_required
def account(request):
    return render(request, "registration/account.html", {"has_second_factor": bool(factor.devices_of(request.user))})


class ChangePassword(auth.PasswordChangeView):
    """Ends all other sessions: they know the old password's hash."""

    form_class = PasswordForm
    success_url = reverse_lazy("account")

    def get_form_kwargs(self):
        return super().get_form_kwargs() | {"request": self.request}

    def form_valid(self, form):
        response = super().form_valid(form)
        factor.account_changed.send(__name__, user=self.request.user, by=self.request.user, what="password")
        messages.success(self.request, _("The password is changed. Other sessions of yours are ended."))
        return response


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def second_factor(request):
    posted = request.POST if request.method == "POST" else None
    if factor.devices_of(request.user):
        return _manage(request, ConfirmForm(request, posted))
    device = factor.new_device(request.user)
    form = SetUpForm(request, device, posted)
    if posted and form.is_valid():
        codes = factor.confirm(device, by=request.user)
        note_device(request, device)
        return _end(request, form, {"codes": codes, "is_new": True})
    context = {"form": form, "picture": factor.picture_of(device), "key": factor.key_of(device)}
    return render(request, "registration/set_up_second_factor.html", context, status=422 if form.errors else 200)


def _manage(request, form):
    may_remove = not factor.is_demanded_of(request.user)
    if form.is_bound and form.is_valid():
        if request.POST.get("wanted") == "codes":
            codes = factor.renew_recovery_codes(request.user)
            factor.account_changed.send(__name__, user=request.user, by=request.user, what="recovery codes")
            return _end(request, form, {"codes": codes})
        if may_remove:
            factor.remove(request.user, by=request.user)
            messages.success(request, _("You sign in with the password alone from now on."))
            _end_other_sessions(request, form)
            return redirect("account")
    left = StaticToken.objects.filter(device__user=request.user).count()
    context = {"form": form, "left": left, "may_remove": may_remove}
    return render(request, "registration/second_factor.html", context, status=422 if form.errors else 200)


def _end(request, form, context):
    _end_other_sessions(request, form)
    return render(request, "registration/recovery_codes.html", context)


def _end_other_sessions(request, form):
    # The same password under another salt: sessions go by its hash.
    request.user.set_password(form.cleaned_data["old_password"])
    request.user.save(update_fields=["password"])
    update_session_auth_hash(request, request.user)
