"""Security headers that Django 5.2 has no middleware for."""

from django.conf import settings
from django.contrib.messages.storage.cookie import CookieStorage

_HEADERS = {
    "Cache-Control": "private, no-store",  # static files say otherwise themselves
    "Content-Security-Policy": "; ".join(
        f"{directive} {' '.join(sources)}" for directive, sources in settings.SECURE_CSP.items()
    ),
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()",
    # Django's own middleware sets it too, but stands behind what answers without it.
    "X-Content-Type-Options": "nosniff",
}


def secure(get_response):
    """Middleware: add to every answer what browsers are to refuse, unless a view is stricter."""

    def middleware(request):
        response = get_response(request)
        for name, value in _HEADERS.items():
            response.headers.setdefault(name, value)
        return response

    return middleware


class MessageCookie(CookieStorage):
    """Django's, under the name that its other cookies have: what begins with __Host- no other site can have set."""

    cookie_name = f"{settings.COOKIE_PREFIX}messages"
