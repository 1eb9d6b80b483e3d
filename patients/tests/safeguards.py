"""The safeguards of this service, each with the change that switches it off and the tests that must then turn red.

switching_off.py switches them off, one at a time; test_safeguards.py sees that each change still applies.
"""

from typing import NamedTuple


class Safeguard(NamedTuple):
    """With `new` instead of `old` in `file`, `tests` (pytest's files and -k) turn red."""

    name: str
    file: str
    old: str
    new: str
    tests: str


SAFEGUARDS = [
    Safeguard(
        "the photo needs its permission",
        "patients/photos/serving.py",
        'if not by.has_perm("patients.view_document_photo"):',
        "if False:",
        "test_privacy.py -k without_the_permission",
    ),
    Safeguard(
        "the photo is shown after a note of who sees it",
        "patients/photos/serving.py",
        "    patient.photo_seen(by=by, thumbnail=thumbnail)\n",
        "",
        "test_privacy.py -k note",
    ),
    Safeguard(
        "pages need their permission",
        "patients/views.py",
        "login_required(permission_required(permission, raise_exception=True)(view))",
        "login_required(view)",
        "test_permissions.py -k each_is_answered and register",
    ),
    Safeguard(
        "programs need their scope",
        "registration/settings.py",
        '"DEFAULT_PERMISSION_CLASSES": ["patients.authentication.ModelPermissions"]',
        '"DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"]',
        "test_clients.py -k scopes_say",
    ),
    Safeguard(
        "photos are encrypted",
        "patients/photos/encryption.py",
        "AESGCM(key).encrypt(nonce, content, name.encode())",
        "content",
        "test_storage.py -k no_picture_can_be_read",
    ),
    Safeguard(
        "a photo is bound to its file's name",
        "patients/photos/encryption.py",
        ", name.encode())",
        ", None)",
        "test_storage.py -k exchanged",
    ),
    Safeguard(
        "forms need the token of this site",
        "registration/settings.py",
        '    "django.middleware.csrf.CsrfViewMiddleware",\n',
        "",
        "test_headers.py -k another_site",
    ),
    Safeguard(
        "who guesses passwords is held off",
        "registration/lockout.py",
        ">= settings.SIGN_IN_TRIES\n",
        ">= 10**9\n",
        "test_sign_in.py -k by_name_and_address",
    ),
    Safeguard(
        "an address that tries many names is held off",
        "registration/lockout.py",
        ">= settings.SIGN_IN_TRIES_PER_ADDRESS",
        ">= 10**9",
        "test_sign_in.py -k many_names",
    ),
    Safeguard(
        "a header is no address",
        "registration/client_address.py",
        "0 < settings.PROXIES <= len(forwarded)",
        "True",
        "test_client_address.py test_sign_in.py -k believed or header",
    ),
    Safeguard(
        "held off or not, a password is looked at as long",
        "registration/lockout.py",
        "            make_password(password)",
        "            pass",
        "test_sign_in.py -k looks_at",
    ),
    Safeguard(
        "what is typed as a user name is not kept",
        "registration/lockout.py",
        'return salted_hmac("registration.lockout", username).hexdigest()',
        "return username",
        "test_sign_in.py -k nothing_that_was_typed",
    ),
    Safeguard(
        "a second factor is asked for",
        "registration/sign_in.py",
        "if second_factor.devices_of(user):",
        "if False:",
        "test_second_factor.py -k signing_in or password_alone",
    ),
    Safeguard(
        "a setting demands a second factor",
        "registration/second_factor.py",
        "not user.is_verified()",
        "False",
        "test_second_factor.py -k demands",
    ),
    Safeguard(
        "a setting demands it of every administrator",
        "registration/second_factor.py",
        'user.is_staff or user.has_perm("auth.change_user")',
        "user.is_staff",
        "test_second_factor.py -k demands",
    ),
    Safeguard(
        "a password that was changed meanwhile is no step to the code",
        "registration/second_factor.py",
        " or not constant_time_compare(user.get_session_auth_hash(), password)",
        "",
        "test_second_factor.py -k starts_again",
    ),
    Safeguard(
        "an idle session ends",
        "registration/sessions.py",
        "            if seconds_left(request) <= 0:",
        "            if False:",
        "test_sessions.py -k ends",
    ),
    Safeguard(
        "what was entered goes on only for who entered it",
        "registration/carried.py",
        'carried["by"] != user.pk',
        "False",
        "test_sessions.py -k somebody_else",
    ),
    Safeguard(
        "changing the password ends other sessions",
        "registration/settings.py",
        '    "django.contrib.auth.middleware.AuthenticationMiddleware",\n',
        '    "patients.tests.safeguards.without_session_hash",\n',
        "test_account.py -k ends_all_other",
    ),
    Safeguard(
        "an unknown host is refused",
        "registration/settings.py",
        'ALLOWED_HOSTS = env.hosts("ALLOWED_HOSTS", [',
        'ALLOWED_HOSTS = ["*"]\n_hosts = env.hosts("ALLOWED_HOSTS", [',
        "test_headers.py -k unknown_host",
    ),
    Safeguard(
        "no host stands for all",
        "registration/environment.py",
        r're.fullmatch(rf"{label}',
        r're.fullmatch(rf"\*|{label}',
        "test_environment.py -k wrong_value and ALLOWED_HOSTS",
    ),
    Safeguard(
        "placeholders are refused",
        "registration/environment.py",
        "if len(value) < 32 or len(set(value)) < 8 or _PLACEHOLDER.search(value):",
        "if not value:",
        "test_environment.py -k wrong_value",
    ),
    Safeguard(
        "debugging is refused in public",
        "registration/environment.py",
        "    if debug and public:",
        "    if False:",
        "test_environment.py -k debug",
    ),
    Safeguard(
        "nothing in line runs on a page",
        "registration/settings.py",
        """    "default-src": ["'self'"],""",
        """    "default-src": ["'self'", "'unsafe-inline'"],""",
        "test_headers.py -k every_answer",
    ),
    Safeguard(
        "no page is shown in a frame",
        "registration/settings.py",
        'X_FRAME_OPTIONS = "DENY"',
        'X_FRAME_OPTIONS = "SAMEORIGIN"',
        "test_headers.py -k every_answer",
    ),
    Safeguard(
        "no cache keeps a page",
        "registration/headers.py",
        '    "Cache-Control": "private, no-store",',
        '    "Cache-Control": "private",',
        "test_headers.py -k no_cache",
    ),
    Safeguard(
        "cookies go over TLS alone",
        "registration/settings.py",
        "SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = _tls",
        "SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = False",
        "test_headers.py -k tls",
    ),
    Safeguard(
        "markup is no name",
        "patients/validators.py",
        'if "<" in name or ">" in name or not any(',
        "if not any(",
        "test_rules.py -k not_a_name",
    ),
    Safeguard(
        "a lone surrogate is no text",
        "patients/validators.py",
        '_CONTROL_CATEGORIES = {"Cc", "Cs", "Zl", "Zp"}',
        '_CONTROL_CATEGORIES = {"Cc", "Zl", "Zp"}',
        "test_rules.py test_api.py -k not_a_name or cannot_be_stored",
    ),
    Safeguard(
        "what is kept of an upload says who kept it",
        "patients/models/draft.py",
        'cls.objects.filter(key=kept.pop("key"), user=by)',
        'cls.objects.filter(key=kept.pop("key"))',
        "test_drafts.py -k nobody_elses",
    ),
    Safeguard(
        "a link in a mail ends with the address that it was for",
        "patients/messages/links.py",
        " or not tokens.is_digest(digest, validators.email_key(patient.email), salt=_SALT)",
        "",
        "test_address_link.py -k was_corrected",
    ),
    Safeguard(
        "nobody changes the audit",
        "patients/models/audit.py",
        "    create = get_or_create = bulk_create = update = update_or_create = bulk_update = delete = _refuse\n",
        "",
        "test_audit.py -k neither_changes",
    ),
    Safeguard(
        "nobody's flood of refusals hides what others try",
        "patients/models/audit.py",
        "            actor=by if by and by.pk else None,\n            detail=detail,\n        )\n        if",
        "        )\n        if",
        "test_audit.py -k flood_hides",
    ),
    Safeguard(
        "the slip notes who reads it",
        "patients/record_views.py",
        '    patient.record_seen(by=request.user, detail="slip")\n',
        "",
        "test_audit.py -k who_reads",
    ),
    Safeguard(
        "a changed event shows",
        "patients/models/audit.py",
        "hmac.compare_digest(self.seal, self._sealed(seal_before, key_name, key))",
        "True",
        "test_audit.py -k changed_event",
    ),
    Safeguard(
        "logs name nobody",
        "registration/logs.py",
        'line["exception"] = record.exc_info[0].__name__',
        'line["exception"] = repr(record.exc_info[1])',
        "test_privacy.py -k logs_name_nobody",
    ),
    Safeguard(
        "an audit event is sealed together with the one before it",
        "patients/models/audit.py",
        "            seal_before,\n",
        "            '',\n",
        "test_audit.py -k past",
    ),
    Safeguard(
        "the desk's page notes who reads a record",
        "patients/record_views.py",
        "    patient.record_seen(by=request.user)\n    context",
        "    context",
        "test_audit.py -k reads_a_record",
    ),
    Safeguard(
        "the API notes who reads a record",
        "patients/api.py",
        "        self.patient.record_seen(by=request.user)\n",
        "",
        "test_audit.py -k reads_a_record",
    ),
    Safeguard(
        "admin notes who reads a record",
        "patients/admin/__init__.py",
        "            obj.record_seen(by=request.user)\n",
        "            pass\n",
        "test_audit.py -k reads_a_record",
    ),
    Safeguard(
        "refusals are noted",
        "registration/settings.py",
        '    "patients.auditing.note_refusals",\n',
        "",
        "test_audit.py -k refus",
    ),
    Safeguard(
        "every URL has its rule",
        "registration/urls.py",
        '    path("admin/login/", sign_in.admin_sign_in),\n',
        '    path("admin/login/", sign_in.admin_sign_in),\n    path("new/", sign_in.admin_sign_in),\n',
        "test_permissions.py -k every_url",
    ),
    Safeguard(
        "administrators leave superusers alone",
        "patients/admin/staff.py",
        "may_touch = request.user.is_superuser or not (user and user.is_superuser)",
        "may_touch = True",
        "test_staff.py -k alone",
    ),
    Safeguard(
        "administrators give no right but the roles",
        "patients/admin/staff.py",
        '            kwargs["queryset"] = Group.objects.filter(name__in=roles.ROLES)\n',
        "            pass\n",
        "test_staff.py -k become",
    ),
    Safeguard(
        "administrators make no superuser",
        "patients/admin/staff.py",
        "if user and request.user.is_superuser:",
        "if user:",
        "test_staff.py -k become",
    ),
    Safeguard(
        "exporting needs its permission",
        "patients/admin/__init__.py",
        'return request.user.has_perm("patients.export_patient")',
        "return True",
        "test_export.py -k right",
    ),
    Safeguard(
        "an erasure takes the drafts of the photo",
        "patients/models/endings.py",
        "        drafts.delete()\n",
        "",
        "test_erasure.py",
    ),
    Safeguard(
        "a restored backup brings nobody back",
        "patients/models/endings.py",
        "            erasure.write()\n",
        "            pass\n",
        "test_erasure.py -k restored",
    ),
    Safeguard(
        "a photo goes when its time is over",
        "patients/models/patient_query.py",
        "return self.filter(document_seen_at__lt=before, photo_deleted_at=None)",
        "return self.none()",
        "test_retention.py",
    ),
    Safeguard(
        "a log line holds no argument",
        "registration/logs.py",
        'return str(record.msg) if is_constant else f"{record.module}.{record.funcName}"',
        "return record.getMessage()",
        "test_canaries.py -k allowed",
    ),
    Safeguard(
        "a request's id goes with its job",
        "patients/tasks.py",
        "    request_id.use(request)\n",
        "",
        "test_canaries.py -k request",
    ),
]


def without_session_hash(get_response):
    """Middleware, when a safeguard is off: Django's authentication that doesn't look at the password's hash."""
    from django.contrib.auth import BACKEND_SESSION_KEY, SESSION_KEY, load_backend
    from django.contrib.auth.models import AnonymousUser

    def middleware(request):
        backend = request.session.get(BACKEND_SESSION_KEY)
        user = backend and load_backend(backend).get_user(int(request.session[SESSION_KEY]))
        request.user = user or AnonymousUser()
        return get_response(request)

    return middleware
