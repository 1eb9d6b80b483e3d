"""One page to sign in, for the front desk and for admin."""

from urllib.parse import parse_qs, urlsplit

from django.conf import settings
from django.contrib.auth import login
from django.contrib.auth import views as auth
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.forms import AuthenticationForm
from django.core.exceptions import PermissionDenied
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.functional import lazy
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from registration import carried, second_factor

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


class Arriving:
    """A step of signing in. The last one leads to where somebody wanted to go, with what the form carried."""

    def get_context_data(self, **kwargs):
        return super().get_context_data(carried=self.request.POST.get("carried", ""), **kwargs)

    def arrive(self, user, backend):
        self.request.session.pop("awaits_code", None)
        login(self.request, user, backend)
        return carried.go_on(self.request, user) or redirect(self.get_success_url())


class SignIn(Arriving, auth.LoginView):
    authentication_form = SignInForm
    redirect_authenticated_user = True

    def form_valid(self, form):
        user = form.get_user()
        if second_factor.devices_of(user):
            second_factor.await_code(self.request, user)
            return EnterCode.as_view()(self.request, is_first_look=True)
        return self.arrive(user, user.backend)


class EnterCode(Arriving, auth.LoginView):
    """The second step, for who has a second factor; the password has been right a moment ago."""

    form_class = second_factor.CodeForm
    template_name = "registration/code.html"

    def dispatch(self, request, *args, is_first_look=False, **kwargs):
        self.awaited = second_factor.awaited(request)
        if self.awaited is None:
            return redirect("login")
        if is_first_look:
            return self.render_to_response(self.get_context_data(form=self.form_class(request, self.awaited)))
        return super().dispatch(request, *args, **kwargs)

    def get_form_class(self):
        return self.form_class

    def get_form_kwargs(self):
        return super().get_form_kwargs() | {"user": self.awaited}

    def form_valid(self, form):
        user = self.awaited
        user.otp_device = form.device
        return self.arrive(user, user.backend)


def admin_sign_in(request):
    """Admin's own page for signing in is not shown: there is one. Who is signed in and is sent here may not enter."""
    if request.user.is_authenticated and not request.user.is_staff:
        raise PermissionDenied
    return redirect(reverse("login", query={"next": request.GET.get("next", reverse("admin:index"))}))


def carry(get_response):
    """Middleware: instead of the way to the sign-in page, answer a form's POST with that page, which keeps the form.

    Only for who was signed in, as far as it is known who that was; not for scripts, which keep their form themselves.
    No password is carried.
    """

    def middleware(request):
        response = get_response(request)
        if settings.SESSION_COOKIE_NAME in request.COOKIES:
            carried.note(request, response)
        by_person = request.method == "POST" and "X-Requested-With" not in request.headers
        is_signed_out = by_person and carried.owner(request) and not request.user.is_authenticated
        if is_signed_out and _leads_through_sign_in(request, response) and _can_be_carried(request):
            context = {"form": SignInForm(request), "next": request.get_full_path(), "carried": carried.keep(request)}
            return render(request, "registration/login.html", context)
        return response

    return middleware


def _leads_through_sign_in(request, response):
    """Whether the answer sends somebody to sign in and then back here."""
    location = urlsplit(response.headers.get("Location", ""))
    is_to_sign_in = response.status_code == 302 and location.path in (reverse("login"), reverse("admin:login"))
    return is_to_sign_in and parse_qs(location.query).get("next") == [request.get_full_path()]


def _can_be_carried(request):
    return not any("password" in name for name in request.POST)
