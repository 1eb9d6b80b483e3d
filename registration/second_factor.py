"""A second factor for signing in: the codes of an app (TOTP, RFC 6238), and recovery codes for when it is lost.

django-otp keeps the devices. Of a recovery code, 120 random bits, only a hash is stored.
"""

import hashlib
import secrets
import time
from base64 import b32encode

import segno
from django import forms
from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.signals import user_login_failed
from django.db import transaction
from django.dispatch import Signal
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.crypto import constant_time_compare
from django.utils.translation import gettext_lazy as _
from django_otp import devices_for_user
from django_otp.plugins.otp_static.models import StaticDevice
from django_otp.plugins.otp_totp.models import TOTPDevice

from registration import lockout

AWAITED_SECONDS = 300  # from the password to the code
RECOVERY_CODES = 10

CODE_MISSING = _("Enter the code that your app shows")
CODE_WRONG = _("The code is not correct. Each is good once: wait for the next one. After wrong codes, wait longer")

#: Sent when `by` changed how `user` signs in; `what` says what, without its value.
account_changed = Signal()


def devices_of(user):
    return list(devices_for_user(user))


def is_demanded_of(user):
    """Whether settings.SECOND_FACTOR lets this user do nothing without one."""
    is_administrator = user.is_staff or user.has_perm("auth.change_user")
    return settings.SECOND_FACTOR == "everybody" or (settings.SECOND_FACTOR == "administrators" and is_administrator)


def demand(get_response):
    """Middleware: who must have a second factor and has none gets nowhere but to its page."""

    def middleware(request):
        if settings.SECOND_FACTOR != "optional" and settings.SESSION_COOKIE_NAME in request.COOKIES:
            free = {reverse(name) for name in ("second_factor", "session", "logout")}
            user = request.user
            if user.is_authenticated and is_demanded_of(user) and not user.is_verified() and request.path not in free:
                return redirect("second_factor")
        return get_response(request)

    return middleware


def await_code(request, user):
    """Note that the password was right, for the next step."""
    request.session["awaits_code"] = [user.pk, user.backend, int(time.time()), user.get_session_auth_hash()]


def awaited(request):
    """Return the user whose password was right a moment ago and still is, or None."""
    pk, backend, since, password = request.session.get("awaits_code", (None, None, 0, ""))
    user = get_user_model().objects.filter(pk=pk, is_active=True).first()
    is_over = time.time() - since > AWAITED_SECONDS
    if is_over or user is None or not constant_time_compare(user.get_session_auth_hash(), password):
        return None
    user.backend = backend
    return user


class CodeField(forms.CharField):
    def __init__(self, **kwargs):
        widget = forms.TextInput(attrs={"autocomplete": "one-time-code", "spellcheck": "false"})
        super().__init__(label=_("Code"), error_messages={"required": CODE_MISSING}, widget=widget, **kwargs)


class CodeForm(forms.Form):
    """A code of the app or a recovery code. Wrong ones are counted like wrong passwords."""

    use_required_attribute = False
    code = CodeField(help_text=_("The six digits that your app shows, or a recovery code"))

    def __init__(self, request, user, *args, **kwargs):
        super().__init__(*args, label_suffix="", **kwargs)
        self.request, self.user, self.device = request, user, None

    def clean_code(self):
        code = plain(self.cleaned_data["code"])
        name = self.user.get_username()
        if not lockout.is_held_off(self.request, name):
            self.device = _device_that_takes(code, self.user)
        if not self.device:
            user_login_failed.send(__name__, credentials={"username": name}, request=self.request)
            raise forms.ValidationError(CODE_WRONG, "wrong")
        return code


def plain(code):
    """Return a code as it was meant: without the spaces and hyphens that make it easy to read."""
    return "".join(code.split()).replace("-", "")


@transaction.atomic
def _device_that_takes(code, user):
    """Return the user's device that takes the code, or None. Locked meanwhile: a code is good once."""
    kind, code = (TOTPDevice, code) if code.isdecimal() else (StaticDevice, _hash_of(code))
    device = kind.objects.select_for_update().filter(user=user, confirmed=True).first()
    return device if device and device.verify_token(code) else None


def new_device(user):
    """Return the device that waits to be confirmed."""
    # Two pages at once may make two, of which the first one counts.
    waiting = TOTPDevice.objects.filter(user=user, confirmed=False).order_by("pk").first()
    return waiting or TOTPDevice.objects.create(user=user, confirmed=False, name="app")


def picture_of(device):
    """Return the QR code of a device as the address of a picture."""
    return segno.make(device.config_url).svg_data_uri(scale=5, light="white")


def key_of(device):
    """Return the device's key as people type it into an app that can't take a picture."""
    key = b32encode(device.bin_key).decode()
    return " ".join(key[at : at + 4] for at in range(0, len(key), 4))


def confirm(device, by):
    """Make the device count from now on, and return the recovery codes, which are told this once."""
    with transaction.atomic():
        TOTPDevice.objects.filter(user=device.user).exclude(pk=device.pk).delete()
        device.confirmed = True
        device.save()
        codes = renew_recovery_codes(device.user)
    account_changed.send(__name__, user=device.user, by=by, what="second factor")
    return codes


def renew_recovery_codes(user):
    """Replace the recovery codes by new ones and return those."""
    codes = [b32encode(secrets.token_bytes(15)).decode() for _number in range(RECOVERY_CODES)]
    with transaction.atomic():
        StaticDevice.objects.filter(user=user).delete()
        device = StaticDevice.objects.create(user=user, name="recovery")
        for code in codes:
            device.token_set.create(token=_hash_of(code))
    return ["-".join(code[at : at + 4] for at in range(0, len(code), 4)) for code in codes]


def remove(user, by):
    """Let the user sign in with the password alone."""
    with transaction.atomic():
        for device in devices_for_user(user, confirmed=None):
            device.delete()
    account_changed.send(__name__, user=user, by=by, what="second factor removed")


def _hash_of(code):
    """Return what is stored of a recovery code, in the 16 characters that there are for it."""
    return b32encode(hashlib.sha256(code.upper().encode()).digest()[:10]).decode()
