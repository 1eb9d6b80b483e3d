"""Who an API client is, and what it may do."""

from knox.auth import TokenAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.permissions import DjangoModelPermissions

from patients import limits
from patients.models.audit import note_client


class BearerAuthentication(TokenAuthentication):
    """`Authorization: Bearer <token>` (RFC 6750) with django-rest-knox's hashed, expiring tokens."""

    def authenticate_credentials(self, token):
        try:
            if not token.isascii():
                raise AuthenticationFailed
            user, auth_token = super().authenticate_credentials(token)
        except AuthenticationFailed:
            limits.note_wrong_token()
            raise
        note_client(f"token {auth_token.token_key[:8]}")
        return user, auth_token

    def validate_user(self, token):
        user_and_token = super().validate_user(token)
        token.note_use()
        return user_and_token


class ModelPermissions(DjangoModelPermissions):
    """Reading needs the permission to view, too; methods that are not here are nobody's (405)."""

    perms_map = {
        "GET": ["%(app_label)s.view_%(model_name)s"],
        "HEAD": ["%(app_label)s.view_%(model_name)s"],
        "POST": ["%(app_label)s.add_%(model_name)s"],
        "PATCH": ["%(app_label)s.change_%(model_name)s"],
    }
