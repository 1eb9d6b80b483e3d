"""Security headers that Django 5.2 has no middleware for."""

from django.conf import settings

_CSP = "; ".join(f"{directive} {' '.join(sources)}" for directive, sources in settings.SECURE_CSP.items())


def secure(get_response):
    """Middleware: add the content security policy and the permissions policy, unless a view set its own."""

    def middleware(request):
        response = get_response(request)
        response.headers.setdefault("Content-Security-Policy", _CSP)
        response.headers.setdefault("Permissions-Policy", "camera=(self), geolocation=(), microphone=()")
        return response

    return middleware
