"""When a session ends: after a while in which nothing is done, and after a working day in any case."""

import time

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.signals import user_logged_in
from django.dispatch import receiver
from django.http import JsonResponse
from django.middleware.csrf import get_token
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods

TIMED_OUT = _("You were signed out because nothing was done for a while. Sign in to go on.")
NOTE_SECONDS = 60  # how often, at most, a session is saved for having been used


@receiver(user_logged_in)
def begin(sender, request, **kwargs):
    """Count from signing in, also for who does nothing afterwards."""
    request.session["began"] = request.session["seen"] = int(time.time())


def watch(get_response):
    """Middleware: sign out who has done nothing for SESSION_IDLE_MINUTES, or signed in SESSION_HOURS ago."""

    def middleware(request):
        # Asked first, so that who has no session costs no query and gets no Vary.
        if settings.SESSION_COOKIE_NAME in request.COOKIES and request.user.is_authenticated:
            if seconds_left(request) <= 0:
                request.timed_out = request.user
                logout(request)
                messages.info(request, TIMED_OUT)
            elif _is_activity(request):
                _note(request)
        return get_response(request)

    return middleware


def seconds_left(request):
    """Return in how many seconds the session ends if nothing is done; 0 for nobody's."""
    if not request.user.is_authenticated:
        return 0
    now = int(time.time())
    began, seen = request.session.get("began", 0), request.session.get("seen", 0)
    return max(0, min(seen + settings.SESSION_IDLE_MINUTES * 60, began + settings.SESSION_HOURS * 3600) - now)


@require_http_methods(["GET", "HEAD", "POST"])
def state(request):
    """For the script that warns: how long the session goes on. A POST is somebody's sign of life."""
    user = request.user.pk if request.user.is_authenticated else None
    return JsonResponse({"seconds": seconds_left(request), "user": user, "token": get_token(request)})


def _is_activity(request):
    """Whether a person did something: a page that keeps itself fresh is not one."""
    by_script = "X-Requested-With" in request.headers or request.headers.get("Sec-Fetch-Dest") == "empty"
    return request.method == "POST" or not by_script


def _note(request):
    now, session = int(time.time()), request.session
    by_script = "X-Requested-With" in request.headers and request.path != reverse("session")
    is_deed = request.method == "POST" and not by_script
    if is_deed or now - session["seen"] >= NOTE_SECONDS:
        session["seen"] = now
