"""Staff are spoken to in the language that they chose; who has chosen none, in the browser's."""

from django.conf import settings
from django.contrib.auth.signals import user_logged_in
from django.dispatch import receiver
from django.utils import translation

from patients.models import ChosenLanguage

_KEY = "language"  # in the session, so that nobody's choice is looked up at every request


def follow(get_response):
    """Middleware: speak the language that whoever is signed in has chosen."""

    def middleware(request):
        if settings.SESSION_COOKIE_NAME in request.COOKIES and (chosen := request.session.get(_KEY)):
            translation.activate(chosen)
            request.LANGUAGE_CODE = chosen
        return get_response(request)

    return middleware


def choose(request, language):
    """Remember the language for who is signed in."""
    ChosenLanguage.objects.update_or_create(user=request.user, defaults={"language": language})
    request.session[_KEY] = language


@receiver(user_logged_in)
def recall(sender, request, user, **kwargs):
    """Go on in the language that the user has chosen before."""
    chosen = ChosenLanguage.objects.filter(user=user, language__in=dict(settings.LANGUAGES)).first()
    if chosen:
        request.session[_KEY] = chosen.language
