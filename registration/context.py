from django.conf import settings
from django.utils.functional import SimpleLazyObject

from registration import sessions


def clinic(request):
    """Template context: the name of the clinic, shown in every page's header, and how long the session goes on."""
    seconds = SimpleLazyObject(lambda: sessions.seconds_left(request))
    return {"clinic_name": settings.CLINIC_NAME, "session_seconds": seconds}
