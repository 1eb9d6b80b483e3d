import os
import sys

from django.core.exceptions import ImproperlyConfigured
from django.core.handlers.wsgi import WSGIRequest
from django.core.wsgi import get_wsgi_application
from django.utils.http import parse_header_parameters

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "registration.settings")


class Utf8Request(WSGIRequest):
    """A request in UTF-8, whatever its Content-Type says: Django would decode it, its address too, by any codec of
    Python's that is named there, some of which aren't for text (hex) or fail at all of it (undefined).
    """

    def _set_content_type_params(self, meta):
        try:
            self.content_type, self.content_params = parse_header_parameters(meta.get("CONTENT_TYPE", ""))
        except ValueError:  # a parameter in an encoding that there isn't: no type that anybody reads
            meta["CONTENT_TYPE"], self.content_type, self.content_params = "", "", {}


try:
    application = get_wsgi_application()
except ImproperlyConfigured as error:
    sys.exit(f"Configuration: {error}")
application.request_class = Utf8Request
