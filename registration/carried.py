"""What was entered when the session had ended is carried through signing in, in a hidden field of its pages.

So it works without script, and nothing of a patient is kept anywhere for it.
"""

from django.http import QueryDict
from django.shortcuts import render

from registration import tokens

LIFETIME = 60 * 60  # seconds
_SALT = "registration.carried"


def keep(request):
    """Return the field's value for a form's POST that came too late; only who timed out, if that is known, goes on."""
    entered = request.POST.copy()
    entered.pop("csrfmiddlewaretoken", None)
    timed_out = getattr(request, "timed_out", None)
    carried = {
        "address": request.get_full_path(),
        "entered": entered.urlencode(),
        "by": timed_out.pk if timed_out else None,
    }
    return tokens.sign(carried, salt=_SALT)


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
