"""How a channel says that a message did not get through; the text, free of personal data, is shown to staff."""


class TemporaryFailure(Exception):
    """The message may get through later."""


class PermanentFailure(Exception):
    """The message will never get through as it is."""
