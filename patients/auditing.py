"""Notes for the audit what happens outside the deeds of patients: signing in, and what was refused."""

from django.contrib.auth import get_user_model
from django.contrib.auth.signals import user_logged_in, user_login_failed
from django.dispatch import receiver

from patients.models import AuditEvent
from patients.models.audit import note_client
from registration.second_factor import account_changed

Action = AuditEvent.Action


def note_refusals(get_response):
    """Middleware: write an event for each answer of 403, and of 401 to a token that is not good."""

    def middleware(request):
        note_client("")  # the thread may have served one of the API's before
        response = get_response(request)
        is_bad_token = response.status_code == 401 and "Authorization" in request.headers
        if response.status_code == 403 or is_bad_token:
            match = request.resolver_match
            detail = f"{response.status_code} {request.method[:10]} {match.view_name if match else ''}".rstrip()
            AuditEvent.record_refusal(Action.REFUSED, by=getattr(request, "user", None), detail=detail)
        return response

    return middleware


@receiver(user_logged_in)
def note_sign_in(sender, request, user, **kwargs):
    AuditEvent.record(Action.SIGNED_IN, by=user)


@receiver(user_login_failed)
def note_failed_sign_in(sender, credentials, **kwargs):
    # Only the name of an account: what else people type there may be their password.
    name = credentials.get(get_user_model().USERNAME_FIELD)
    is_known = get_user_model().objects.filter(username=name).exists()
    AuditEvent.record_refusal(Action.SIGN_IN_FAILED, by=None, detail=f"as {name}" if is_known else "")


@receiver(account_changed)
def note_account_change(sender, user, by, what, **kwargs):
    AuditEvent.record(Action.ACCOUNT_CHANGED, by=by, detail=f"{user}: {what}")
