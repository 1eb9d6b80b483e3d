from django.contrib.auth.forms import AuthenticationForm
from django.utils.translation import gettext_lazy as _

USERNAME_MISSING = _("Enter your user name")
PASSWORD_MISSING = _("Enter your password")
WRONG = _("The user name or the password is not correct. Both are case-sensitive")


class SignInForm(AuthenticationForm):
    """Django's, in our words; the same ones for an unknown, a wrong and a deactivated account."""

    use_required_attribute = False
    error_messages = {"invalid_login": WRONG, "inactive": WRONG}

    def __init__(self, *args, **kwargs):
        super().__init__(*args, label_suffix="", **kwargs)
        for name, label, missing in (
            ("username", _("User name"), USERNAME_MISSING),
            ("password", _("Password"), PASSWORD_MISSING),
        ):
            field = self.fields[name]
            field.label, field.error_messages["required"] = label, missing
            field.widget.attrs.pop("maxlength", None)
