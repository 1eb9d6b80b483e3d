"""One settings file for every place the service runs; what differs comes from the environment (.env.example)."""

from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit
from zoneinfo import available_timezones

import phonenumbers
from django.utils.translation import gettext_lazy as _

from registration import environment as env

BASE_DIR = Path(__file__).resolve().parent.parent
DATA_DIR = env.folder("DATA_DIR", BASE_DIR / "var")

EMBEDDED = not env.text("DATABASE_URL")
DEBUG = env.flag("DEBUG", False)
SECRET_KEY = env.secret("SECRET_KEY", DATA_DIR / "secret.key", made_when_missing=EMBEDDED)
SECRET_KEY_FALLBACKS = env.older_secrets("SECRET_KEY_FALLBACKS")
LINK_KEYS = env.keys("LINK_KEYS", DATA_DIR / "link.keys")  # for links in mails, tokens in forms and addresses
SITE_URL = env.site_url("SITE_URL", "http://127.0.0.1:8000")
_site = urlsplit(SITE_URL)
ALLOWED_HOSTS = env.hosts("ALLOWED_HOSTS", [_site.hostname, "localhost", "127.0.0.1", "[::1]"])
env.refuse_debug_in_public(DEBUG, [_site.hostname, *ALLOWED_HOSTS, env.text("HOST", "localhost")])

PROXIES = env.number("PROXIES", 0, least=0, most=9)  # in front; each adds an address to X-Forwarded-For

# What a clinic decides.
CLINIC_NAME = env.text("CLINIC_NAME", "Riverside Clinic")
PHONE_DEFAULT_REGION = env.choice("PHONE_DEFAULT_REGION", "US", phonenumbers.SUPPORTED_REGIONS)
EMAIL_ALLOWED_DOMAINS = env.domains("EMAIL_ALLOWED_DOMAINS")
NAME_PATTERN = env.pattern("NAME_PATTERN")
PHOTO_RETENTION_DAYS = env.number("PHOTO_RETENTION_DAYS", 0, least=0, most=36_500)  # 0: as long as the record
MAX_PHOTO_BYTES = env.number("MAX_PHOTO_BYTES", 10_000_000, least=10_000, most=100_000_000)
PHOTO_FORMATS = env.words("PHOTO_FORMATS", _formats := ["JPEG", "PNG", "WEBP", "HEIC"], choices=_formats)

# The web server (registration/gunicorn.py).
WEB_WORKERS = env.number("WEB_WORKERS", 3, least=1, most=64)
WEB_THREADS = env.number("WEB_THREADS", 4, least=1, most=64)

# The application.
INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.forms",  # so that templates/django/forms/ may override Django's own
    "rest_framework",
    "knox",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_q",
    "axes",
    "django_otp",
    "django_otp.plugins.otp_totp",
    "django_otp.plugins.otp_static",
    "patients",  # last: its admin takes back what the queue's and the tokens' admin registered
]
MIDDLEWARE = [
    "registration.request_id.assign",
    "registration.client_address.note",
    "registration.headers.secure",
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "registration.health.answer",  # before anything that looks at the Host, the session or the database
    "patients.auditing.note_refusals",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "patients.language.follow",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django_otp.middleware.OTPMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "registration.sign_in.carry",
    "registration.sessions.watch",
    "registration.second_factor.demand",
]
ROOT_URLCONF = "registration.urls"
WSGI_APPLICATION = "registration.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "registration.context.clinic",
            ],
        },
    },
]
FORM_RENDERER = "django.forms.renderers.TemplatesSetting"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# The database. Nothing acknowledged may be lost: SQLite syncs at every commit, MySQL is told to by its server.
_SQLITE_OPTIONS = {
    "transaction_mode": "IMMEDIATE",  # a deferred transaction that turns to writing fails at once when another writes
    "timeout": 20,
    "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA secure_delete=ON;",
}
_MYSQL_OPTIONS = {
    "charset": "utf8mb4",
    # The time zone makes the server's clock (Now() in queries) the UTC that Django stores.
    "init_command": "SET sql_mode='TRADITIONAL', time_zone='+00:00'",
    "isolation_level": "read committed",
    "connect_timeout": 3,
    "read_timeout": 10,
    "write_timeout": 10,
}
_database = env.database("DATABASE_URL", DATA_DIR / "db.sqlite3")
_on_mysql = _database["ENGINE"].endswith("mysql")
DATABASES = {
    "default": {
        **_database,
        "OPTIONS": _MYSQL_OPTIONS if _on_mysql else _SQLITE_OPTIONS,
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
        # Racing requests are tested too, and threads can't share SQLite's in-memory test database.
        "TEST": {"CHARSET": "utf8mb4"} if _on_mysql else {"NAME": DATA_DIR / "test.sqlite3"},
    }
}

# The queue. The job is a row beside the patient's, written by the same transaction (patients/messages/delivery.py).
Q_CLUSTER = {
    "name": "registration",
    "orm": "default",
    "workers": 4,
    "queue_limit": 4,
    "bulk": 1,
    "poll": 0.2,
    "timeout": 60,
    "retry": 300,
    "ack_failures": True,
    "max_attempts": 1,
    "save_limit": -1,
    "cached": 1,  # results go to a cache in memory for a second, so that their table's pickles are never read
    "recycle": 500,
    "guard_cycle": 0.5,
    "catch_up": False,
    "scheduler": False,
}

# What /readyz asks; each returns whether all is well.
READINESS_CHECKS = [
    "registration.health.migrated",
    "patients.photos.storage.has_room",
    "patients.messages.health.is_keeping_up",
]

# Mail.
EMAIL_BACKEND = "patients.messages.email.Connection"
_smtp = env.smtp("EMAIL_URL", "smtp://127.0.0.1:1025")
EMAIL_HOST, EMAIL_PORT = _smtp.host, _smtp.port
EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = _smtp.user, _smtp.password
EMAIL_USE_TLS, EMAIL_USE_SSL = _smtp.tls, _smtp.ssl
EMAIL_TIMEOUT = 8  # seconds for each step; a server that hangs holds a worker no longer
DEFAULT_FROM_EMAIL = env.sender("DEFAULT_FROM_EMAIL", "registration@clinic.example")

SMS_URL = env.sms("SMS_URL")
# Name of the channel: its class. A third one is a file like theirs and a line here.
MESSAGE_CHANNELS = {"email": "patients.messages.email.Email"}
if SMS_URL:
    MESSAGE_CHANNELS["sms"] = "patients.messages.sms.Sms"

# Files. Photos are never served by URL: patients.record_views.photo shows them.
MEDIA_ROOT = env.folder("MEDIA_ROOT", DATA_DIR / "media")
STATIC_URL = "/static/"
STATIC_ROOT = Path(env.text("STATIC_ROOT", str(DATA_DIR / "static"))).absolute()  # read-only in the image
STATICFILES_DIRS = [BASE_DIR / "static"]
# The numbers of erased patients: in no backup of the database or the photos, since it must outlive their restore.
ERASURES_FILE = env.file("ERASURES_FILE", DATA_DIR / "erased.txt")
PHOTO_KEYS = env.keys("PHOTO_KEYS", DATA_DIR / "photo.keys")
PHOTO_FINGERPRINT_KEY = env.secret("PHOTO_FINGERPRINT_KEY", DATA_DIR / "photo-fingerprint.key", made_when_missing=True)
# Seal the audit events. A key that sealed any must stay, after the newer ones.
AUDIT_KEYS = env.keys("AUDIT_KEYS", DATA_DIR / "audit.keys")
env.refuse_shared(
    SECRET_KEY=[SECRET_KEY, *SECRET_KEY_FALLBACKS],
    LINK_KEYS=LINK_KEYS,
    PHOTO_KEYS=PHOTO_KEYS,
    AUDIT_KEYS=AUDIT_KEYS,
    PHOTO_FINGERPRINT_KEY=PHOTO_FINGERPRINT_KEY,
)
STORAGES = {
    "default": {"BACKEND": "patients.photos.storage.EncryptedStorage"},
    "photos at rest": {
        "BACKEND": env.text("PHOTO_STORAGE", "patients.photos.storage.DurableStorage"),
        "OPTIONS": env.mapping("PHOTO_STORAGE_OPTIONS"),
    },
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.ManifestStaticFilesStorage"},
}
FILE_UPLOAD_HANDLERS = ["registration.uploads.WholeUploadHandler"]
# A JSON body carries the photo in base64, a third larger, beside a few short fields.
DATA_UPLOAD_MAX_MEMORY_SIZE = MAX_PHOTO_BYTES * 4 // 3 + 65_536
DATA_UPLOAD_MAX_NUMBER_FIELDS = 50
DATA_UPLOAD_MAX_NUMBER_FILES = 1

# Signing in.
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "patients:list"
LOGOUT_REDIRECT_URL = "login"
AUTHENTICATION_BACKENDS = ["registration.lockout.Gate", "registration.sign_in.ExactNames"]
SIGN_IN_TRIES = env.number("SIGN_IN_TRIES", 5, least=1, most=100)  # for one user name, from one address
SIGN_IN_TRIES_PER_ADDRESS = env.number("SIGN_IN_TRIES_PER_ADDRESS", 50, least=1, most=10_000)
SIGN_IN_PAUSE_MINUTES = env.number("SIGN_IN_PAUSE_MINUTES", 15, least=1, most=1440)
SECOND_FACTOR = env.choice("SECOND_FACTOR", "optional", ("optional", "administrators", "everybody"))
OTP_TOTP_ISSUER = CLINIC_NAME
AXES_HANDLER = "registration.lockout.Tries"
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
AXES_ENABLE_ADMIN = AXES_VERBOSE = False
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "registration.passwords.NotOfTheClinic"},
]

# The browser. TLS ends at the proxy, which sets X-Forwarded-Proto; it is believed only with https in SITE_URL.
_tls = _site.scheme == "https"
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if _tls else None
SECURE_SSL_REDIRECT = _tls
SECURE_REDIRECT_EXEMPT = ["^(live|ready)z$"]
SECURE_HSTS_SECONDS = 31_536_000 if _tls else 0
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = _tls
COOKIE_PREFIX = "__Host-" if _tls else ""  # with it browsers take a cookie from this very host over TLS alone
SESSION_COOKIE_NAME, CSRF_COOKIE_NAME = f"{COOKIE_PREFIX}sessionid", f"{COOKIE_PREFIX}csrftoken"
CSRF_COOKIE_HTTPONLY = True  # scripts find the token in the page's form
CSRF_COOKIE_SAMESITE = "Strict"
MESSAGE_STORAGE = "registration.headers.MessageCookie"
SESSION_IDLE_MINUTES = env.number("SESSION_IDLE_MINUTES", 30, least=1, most=720)
SESSION_HOURS = env.number("SESSION_HOURS", 12, least=1, most=72)  # a working day
SESSION_COOKIE_AGE = SESSION_HOURS * 60 * 60
CSRF_TRUSTED_ORIGINS = [SITE_URL]
CSRF_FAILURE_VIEW = "registration.errors.csrf_failure"
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CSP = {
    "default-src": ["'self'"],
    "img-src": ["'self'", "data:", "blob:"],
    "object-src": ["'none'"],
    "frame-src": ["'none'"],
    "base-uri": ["'none'"],
    "form-action": ["'self'"],
    "frame-ancestors": ["'none'"],
}
SILENCED_SYSTEM_CHECKS = [
    "security.W005",  # HSTS for subdomains and
    "security.W021",  # preloading bind the clinic's other sites: theirs to decide, at the proxy
    "axes.W002",  # its middleware, which would answer differently after too many tries
    "models.W037",  # MariaDB has no partial indexes; django-q2's one is for a table that stays empty here
]

# The JSON API.
API_CALLS_PER_MINUTE = env.number("API_CALLS_PER_MINUTE", 60_000, least=1, most=10_000_000)  # of a client, an address
API_TAKEN_PER_HOUR = env.number(
    "API_TAKEN_PER_HOUR", 100, least=1, most=1_000_000
)  # addresses that a client is told of
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["patients.authentication.BearerAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["patients.authentication.ModelPermissions"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": [
        "registration.parsers.StrictJSONParser",
        "registration.parsers.StrictMultiPartParser",
    ],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "URL_FORMAT_OVERRIDE": None,  # Accept says what is wanted, and nothing else does
    "EXCEPTION_HANDLER": "registration.problems.handle",
    "DATETIME_FORMAT": "%Y-%m-%dT%H:%M:%SZ",
}
KNOX_TOKEN_MODEL = "patients.ApiToken"  # noqa: S105 — a model
REST_KNOX = {"AUTH_HEADER_PREFIX": "Bearer", "TOKEN_TTL": timedelta(days=365)}
SPECTACULAR_SETTINGS = {
    "TITLE": "Patient Registration",
    "VERSION": "1.0.0",
    "OAS_VERSION": "3.1.1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SERVE_AUTHENTICATION": [],
    "SWAGGER_UI_DIST": "SIDECAR",
    "COMPONENT_SPLIT_REQUEST": True,
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "POSTPROCESSING_HOOKS": ["drf_spectacular.hooks.postprocess_schema_enums", "patients.openapi.complete"],
}

# Language and time.
LANGUAGES = [("en", _("English")), ("es", _("Spanish"))]
LANGUAGE_CODE = env.choice("LANGUAGE_CODE", "en", dict(LANGUAGES))
LOCALE_PATHS = [BASE_DIR / "patients" / "locale"]
TIME_ZONE = env.choice("TIME_ZONE", "UTC", available_timezones())
USE_TZ = True

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"json": {"()": "registration.logs.JsonFormatter"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "json"}},
    "root": {"handlers": ["console"], "level": "WARNING"},
    "loggers": {
        # django's own handlers would print tracebacks, whose messages carry personal data.
        "django": {"handlers": ["console"], "level": "WARNING", "propagate": False},
        "django-q": {"handlers": ["console"], "level": "WARNING", "propagate": False},
    },
}
