"""Who guesses passwords is held off: after a few wrong ones for a name, and after more from one address.

The tries are counted in the database, which all processes share (django-axes' table). A name is counted per address:
whoever guesses somebody's password elsewhere doesn't keep that person out. What was typed as a name may be a password
or an email address, so a keyed hash of it stands in the table, and nothing else of the request.
"""

from datetime import timedelta

from axes.backends import AxesStandaloneBackend
from axes.handlers.database import AxesDatabaseHandler
from axes.handlers.proxy import AxesProxyHandler
from axes.models import AccessAttempt
from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.db.models import F, Sum
from django.utils import timezone
from django.utils.crypto import salted_hmac

from registration import client_address


class Gate(AxesStandaloneBackend):
    """Authentication backend, the first: ends the authentication of who has used up their tries."""

    def authenticate(self, request, username=None, password=None, **credentials):
        try:
            super().authenticate(request, username, password, **credentials)
        except PermissionDenied:
            make_password(password)  # as long as a look at a password takes: the answer's time tells nothing either
            raise


class Tries(AxesDatabaseHandler):
    """Counts the wrong tries (AXES_HANDLER). A try while they are used up is not counted, so the pause ends."""

    def is_locked(self, request, credentials=None):
        recent = _recent(ip_address=client_address.network())
        return (
            _count(recent.filter(username=_digest(credentials["username"]))) >= settings.SIGN_IN_TRIES
            or _count(recent) >= settings.SIGN_IN_TRIES_PER_ADDRESS
        )

    def user_login_failed(self, sender, credentials, request=None, **kwargs):
        if request.axes_locked_out:
            return
        mine = {"username": _digest(credentials["username"]), "ip_address": client_address.network()}
        AccessAttempt.objects.filter(attempt_time__lt=_pause_begins()).delete()
        if not _one_more(mine):
            try:
                with transaction.atomic():
                    AccessAttempt.objects.create(**mine, failures_since_start=1)
            except IntegrityError:  # another thread's was first
                _one_more(mine)

    def user_logged_in(self, sender, request, user, **kwargs):
        AccessAttempt.objects.filter(
            username=_digest(user.get_username()), ip_address=client_address.network()
        ).delete()

    def user_logged_out(self, *args, **kwargs):
        pass


def is_held_off(request, username):
    """Whether the tries for this name from here are used up; for what is asked after the password."""
    request.axes_locked_out = AxesProxyHandler.is_locked(request, {"username": username})
    return request.axes_locked_out


def forgive(username):
    """Let somebody try again at once, wherever they are."""
    AccessAttempt.objects.filter(username=_digest(username)).delete()


def _one_more(mine):
    return AccessAttempt.objects.filter(**mine).update(
        failures_since_start=F("failures_since_start") + 1, attempt_time=timezone.now()
    )


def _recent(**wanted):
    return AccessAttempt.objects.filter(attempt_time__gte=_pause_begins(), **wanted)


def _count(attempts):
    return attempts.aggregate(count=Sum("failures_since_start"))["count"] or 0


def _pause_begins():
    return timezone.now() - timedelta(minutes=settings.SIGN_IN_PAUSE_MINUTES)


def _digest(username):
    return salted_hmac("registration.lockout", username).hexdigest()
