"""What was entered when the session had ended is carried through signing in, in a hidden field of its pages.

So it works without script, and nothing of a patient is kept anywhere for it. It is sealed, and goes on for nobody but
who entered it: whom a cookie names that outlives the session.
"""

import json
from datetime import timedelta

from django.conf import settings
from django.http import QueryDict
from django.shortcuts import render

from registration import tokens

LIFETIME = timedelta(hours=1)
COOKIE = f"{settings.COOKIE_PREFIX}last"
_SALT, _SALT_OF_COOKIE = "registration.carried", "registration.last"


def note(request, response):
    """Let the browser remember who is signed in."""
    if request.user.is_authenticated and _last(request) != request.user.pk:
        response.set_cookie(
            COOKIE,
            tokens.sign(request.user.pk, salt=_SALT_OF_COOKIE),
            max_age=settings.SESSION_COOKIE_AGE,
            secure=settings.SESSION_COOKIE_SECURE,
            httponly=True,
            samesite="Strict",
        )


def owner(request):
    """Return the key of whose form it is that came without a session, or None when nobody knows."""
    timed_out = getattr(request, "timed_out", None)
    return timed_out.pk if timed_out else _last(request)


def _last(request):
    try:
        return tokens.read(request.COOKIES.get(COOKIE, ""), salt=_SALT_OF_COOKIE, max_age=settings.SESSION_COOKIE_AGE)
    except tokens.BadSignature:
        return None


def keep(request):
    """Return the field's value for a form's POST that came too late."""
    entered = request.POST.copy()
    entered.pop("csrfmiddlewaretoken", None)
    carried = {"address": request.get_full_path(), "entered": entered.urlencode(), "by": owner(request)}
    return tokens.seal(json.dumps(carried), salt=_SALT)


def go_on(request, user):
    """Return the page that sends on what the sign-in form carried for this user, or None when there is nothing."""
    try:
        carried = json.loads(tokens.unseal(request.POST.get("carried", ""), salt=_SALT, max_age=LIFETIME))
    except tokens.BadSignature:
        return None
    if carried["by"] != user.pk:
        return None
    entered = [(name, value) for name, values in QueryDict(carried["entered"]).lists() for value in values]
    return render(request, "registration/go_on.html", {"address": carried["address"], "entered": entered})
