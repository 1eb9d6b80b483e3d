"""One durable transaction, repeated when the database asks for it."""

import random
import time

from django.db import OperationalError, transaction

from registration.failures import is_busy

ATTEMPTS = 5


class OutcomeUnknown(OperationalError):
    """The connection broke during COMMIT: what was written may be there or not."""


def commit(deed):
    """Run `deed()` in one transaction and return its result once it is on disk; `deed` may run several times.

    Raises OutcomeUnknown when the answer to COMMIT was lost; after any other exception nothing was written.
    Must not be called inside another transaction (RuntimeError): a deadlock undoes that one too.
    """
    for attempt in range(1, ATTEMPTS + 1):
        committing = False
        try:
            with transaction.atomic(durable=True):
                result = deed()
                committing = True
            return result
        except OperationalError as error:
            if committing:
                raise OutcomeUnknown(*error.args) from error
            if attempt == ATTEMPTS or not is_busy(error):
                raise
        time.sleep(random.uniform(0.01, 0.05) * attempt)  # noqa: S311 — spreads the contenders, guards nothing
