"""One page to sign in, for the front desk and for admin."""

from django.conf import settings
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.views import LoginView
from django.core.exceptions import PermissionDenied
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.functional import lazy
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

USERNAME_MISSING = _("Enter your user name")
PASSWORD_MISSING = _("Enter your password")


def _wrong():
    return gettext(
        "The user name or the password is not correct. Both are case-sensitive. After %(tries)d wrong tries nothing "
        "is accepted for %(minutes)d minutes: wait, or ask an administrator"
    ) % {"tries": settings.SIGN_IN_TRIES, "minutes": settings.SIGN_IN_PAUSE_MINUTES}


WRONG = lazy(_wrong, str)()


class ExactNames(ModelBackend):
    """Django's backend, with user names that are case-sensitive on every database: MySQL compares without case."""

    def authenticate(self, request, username=None, password=None, **credentials):
        user = super().authenticate(request, username, password, **credentials)
        return user if user and user.get_username() == username else None


class SignInForm(AuthenticationForm):
    """Django's, in our words; the same ones for an unknown, wrong and deactivated account and after too many tries."""

    use_required_attribute = False
    error_messages = {"invalid_login": WRONG, "inactive": WRONG}

    def __init__(self, *args, **kwargs):
        super().__init__(*args, label_suffix="", **kwargs)
        for name, label, missing in (
            ("username", _("User name"), USERNAME_MISSING),
            ("password", _("Password"), PASSWORD_MISSING),
        ):
            field = self.fields[name]
            field.label, field.error_messages["required"] = label, missing
            field.widget.attrs.pop("maxlength", None)


class SignIn(LoginView):
    authentication_form = SignInForm
    redirect_authenticated_user = True


def admin_sign_in(request):
    """Admin's own page for signing in is not shown: there is one. Who is signed in and is sent here may not enter."""
    if request.user.is_authenticated and not request.user.is_staff:
        raise PermissionDenied
    return redirect(reverse("login", query={"next": request.GET.get("next", reverse("admin:index"))}))
