"""What a person or a program sees when something went wrong outside a view."""

import sys

from django.core.exceptions import RequestDataTooBig
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.csrf import csrf_exempt

from registration import carried
from registration.failures import status_of
from registration.problems import KINDS, problem

_PAGES = {
    400: (_("The request could not be understood"), _("Go back, check what you entered and try again.")),
    403: (_("You do not have access to this page"), _("Ask an administrator if you need it.")),
    404: (_("Page not found"), _("Check the address, or search for the patient.")),
    413: (_("The selected file is too large"), _("Go back and choose a smaller photo.")),
    500: (
        _("There is a problem with the service"),
        _("What you entered was not saved; try again in a few minutes."),
    ),
    503: (_("The service is starting or busy"), _("Try again in a moment.")),
    507: (
        _("There is no room to save the photo"),
        _("What you entered was not saved. Tell the person who looks after this service that its disk is full."),
    ),
}

_OUT_OF_DATE = (
    _("This page is out of date"),
    _("Somebody signed in or out meanwhile. Go back, load the page again and repeat what you did."),
)


def answer(request, status, page=None):
    """Return the problem or the page for a status; neither reads the session or the database, which may be away."""
    if request.path.startswith("/api/"):
        return problem(status)
    title, advice = page or _PAGES[status]
    response = render(None, "error.html", {"title": title, "advice": advice}, status=status)
    if status == 503:
        response["Retry-After"] = "2"
    return response


def bad_request(request, exception):
    return answer(request, 413 if isinstance(exception, RequestDataTooBig) else 400)


def permission_denied(request, exception):
    return answer(request, 403)


def not_found(request, exception):
    return answer(request, 404)


@csrf_exempt
def unknown(request, unknown=None):
    """Not found, also for want of the last slash: Django's redirect would turn a program's POST into a GET."""
    return answer(request, 404)


def server_error(request):
    # Django calls this while it handles the exception, wherever in the middleware or the view that was raised.
    return answer(request, status_of(sys.exc_info()[1]))


def csrf_failure(request, reason=""):
    # After signing in on another page this one's token is old; what its sign-in page carries goes on nevertheless.
    onward = request.user.is_authenticated and carried.go_on(request, request.user)
    return onward or answer(request, 403, _OUT_OF_DATE)


@csrf_exempt
def problem_page(request, slug):
    """The documentation of one kind of problem: the page its `type` names."""
    if request.method not in ("GET", "HEAD"):
        return problem(405, headers={"Allow": "GET, HEAD"})
    if slug not in KINDS:
        return answer(request, 404)
    return render(None, "problem.html", {"kind": KINDS[slug]})
