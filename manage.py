#!/usr/bin/env python
"""Django's command line, with a sentence instead of a traceback for what an operator got wrong."""

import os
import sys

from django.core.exceptions import ImproperlyConfigured
from django.core.management import execute_from_command_line
from django.db import DatabaseError, OperationalError

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "registration.settings")
    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        sys.exit(f"Configuration: {error}")
    except DatabaseError as error:
        if type(error) not in (OperationalError, DatabaseError):  # SQLite says the latter of a file that is damaged
            raise
        sys.exit(f"The database cannot be used: {error.args[-1] if error.args else error}. Check DATABASE_URL.")
