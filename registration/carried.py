"""What was entered when the session had ended is carried through signing in, on pages that work without script."""

from urllib.parse import urlsplit

from django.conf import settings
from django.http import QueryDict
from django.shortcuts import render
from django.urls import reverse

from registration import tokens

LIFETIME = 60 * 60  # seconds
_SALT = "registration.carried"


def carry(get_response):
    """Middleware: instead of the way to the sign-in page, answer a form's POST with that page, which keeps the form.

    Only for who has been signed in; and not for scripts, which keep their form themselves.
    """

    def middleware(request):
        by_person = request.method == "POST" and "X-Requested-With" not in request.headers
        is_gone = by_person and settings.SESSION_COOKIE_NAME in request.COOKIES and request.session.is_empty()
        response = get_response(request)
        if by_person and (is_gone or hasattr(request, "timed_out")) and _leads_to_sign_in(response):
            return _sign_in_page(request)
        return response

    return middleware


def go_on(request, user):
    """Return the page that sends on what the sign-in form carried for this user, or None when there is nothing."""
    try:
        carried = tokens.read(request.POST.get("carried", ""), salt=_SALT, max_age=LIFETIME)
    except tokens.BadSignature:
        return None
    if carried["by"] not in (None, user.pk):
        return None
    entered = [(name, value) for name, values in QueryDict(carried["entered"]).lists() for value in values]
    return render(request, "registration/go_on.html", {"address": carried["address"], "entered": entered})


def _leads_to_sign_in(response):
    path = urlsplit(response.headers.get("Location", "")).path
    return response.status_code == 302 and path in (reverse("login"), reverse("admin:login"))


def _sign_in_page(request):
    from registration.sign_in import SignInForm

    entered = request.POST.copy()
    entered.pop("csrfmiddlewaretoken", None)
    timed_out = getattr(request, "timed_out", None)
    carried = {
        "address": request.get_full_path(),
        "entered": entered.urlencode(),
        "by": timed_out.pk if timed_out else None,
    }
    context = {
        "form": SignInForm(request),
        "next": request.get_full_path(),
        "carried": tokens.sign(carried, salt=_SALT),
    }
    return render(request, "registration/login.html", context)
