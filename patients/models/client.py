from datetime import timedelta

from django.contrib.auth.models import Group, User, UserManager
from django.db import models, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from knox.models import AbstractAuthToken, AuthTokenManager

from patients import roles
from patients.models.audit import AuditEvent


class ClientManager(UserManager):
    def get_queryset(self):
        return super().get_queryset().filter(groups__name=roles.CLIENTS)

    def make(self, name, scopes):
        """Create a client: a user that nobody can sign in as, with the rights of its scopes (roles.SCOPES)."""
        client = self.model(username=name)
        client.set_unusable_password()
        client.save()
        client.set_scopes(scopes)
        return client


class Client(User):
    """Another system of the clinic, which uses the API with a token of its own."""

    objects = ClientManager()

    class Meta:
        proxy = True
        default_permissions = ["add", "change", "view"]
        verbose_name, verbose_name_plural = _("API client"), _("API clients")

    @property
    def scopes(self):
        return [group.name for group in self.groups.all() if group.name in roles.SCOPES]

    def set_scopes(self, scopes):
        self.groups.set(Group.objects.filter(name__in=[roles.CLIENTS, *scopes]))


class ApiToken(AbstractAuthToken):
    """What a client shows instead of a password: stored hashed, expiring, revoked by deleting it."""

    DAYS, DAYS_MOST = 365, 3650
    USE_NOTED_EVERY = timedelta(minutes=1)

    last_used_at = models.DateTimeField(_("last used"), null=True, editable=False)

    objects = AuthTokenManager()

    class Meta:
        default_permissions = ["add", "delete", "view"]
        verbose_name, verbose_name_plural = _("API token"), _("API tokens")
        ordering = ["-created"]

    def __str__(self):
        return f"token {self.token_key[:4]}… of {self.user.get_username()}"

    @classmethod
    def issue(cls, user, *, by=None, days=DAYS):
        """Make a token for the user and return its text, which cannot be had again; `by` nobody is an operator."""
        with transaction.atomic():
            token, text = cls.objects.create(user, expiry=timedelta(days=days))
            AuditEvent.record(AuditEvent.Action.TOKEN_MADE, by=by, detail=token.audit_name)
        return text

    def revoke(self, *, by=None):
        """End the token at once."""
        with transaction.atomic():
            self.delete()
            AuditEvent.record(AuditEvent.Action.TOKEN_REVOKED, by=by, detail=self.audit_name)

    @property
    def audit_name(self):
        return f"token {self.token_key[:8]} of {self.user.get_username()}"

    def note_use(self):
        """Remember that the token was used, to the minute: not every request is worth a write."""
        now = timezone.now()
        if self.last_used_at is None or now - self.last_used_at > self.USE_NOTED_EVERY:
            type(self).objects.filter(pk=self.pk).update(last_used_at=now)
