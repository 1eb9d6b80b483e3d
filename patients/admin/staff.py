"""Where administrators manage staff, without rising above themselves."""

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import Group, User
from django.utils.translation import gettext_lazy as _
from django_otp.plugins.otp_static.models import StaticDevice
from django_otp.plugins.otp_totp.models import TOTPDevice

from patients import roles
from patients.admin.base import AccountAdmin
from registration import lockout, second_factor

# Groups are what roles.py says, after every `migrate`: an edited one would be a right that nobody wrote down.
for model in (User, Group):
    admin.site.unregister(model)
for model in (StaticDevice, TOTPDevice):  # whose pages would show the keys
    admin.site.unregister(model)


@admin.register(User)
class StaffAdmin(AccountAdmin, UserAdmin):
    """An administrator who is no superuser gives roles, but no other right, and leaves superusers alone."""

    list_display = ["username", "first_name", "last_name", "role_names", "is_staff", "is_active", "last_login"]
    list_filter = ["is_active", "is_staff", "groups"]
    filter_horizontal = []
    fieldsets = [
        (None, {"fields": ["username", "password"]}),
        (_("Personal info"), {"fields": ["first_name", "last_name", "email"]}),
        (_("Rights"), {"fields": ["is_active", "is_staff", "groups"]}),
    ]
    readonly_fields = ["last_login", "date_joined"]
    actions = ["let_try_again", "remove_second_factor"]

    def get_queryset(self, request):
        return super().get_queryset(request).exclude(groups__name=roles.CLIENTS).prefetch_related("groups")

    @admin.display(description=_("roles"))
    def role_names(self, user):
        return ", ".join(group.name for group in user.groups.all())

    def get_fieldsets(self, request, user=None):
        fieldsets = super().get_fieldsets(request, user)
        if user and request.user.is_superuser:
            return [*fieldsets[:-1], (_("Rights"), {"fields": ["is_active", "is_staff", "is_superuser", "groups"]})]
        return fieldsets

    def formfield_for_manytomany(self, db_field, request, **kwargs):
        if db_field.name == "groups":
            kwargs["queryset"] = Group.objects.filter(name__in=roles.ROLES)
        return super().formfield_for_manytomany(db_field, request, **kwargs)

    def has_change_permission(self, request, user=None):
        may_touch = request.user.is_superuser or not (user and user.is_superuser)
        return may_touch and super().has_change_permission(request, user)

    def has_delete_permission(self, request, user=None):
        return False  # what they did stays theirs: people who leave are deactivated

    @admin.action(description=_("Let try again who used up their tries to sign in"), permissions=["change"])
    def let_try_again(self, request, chosen):
        for user in chosen:
            if self.has_change_permission(request, user):
                lockout.forgive(user.get_username())
                second_factor.account_changed.send(__name__, user=user, by=request.user, what="may try again")
        self.message_user(request, _("Done: the next try is looked at again."))

    @admin.action(description=_("Remove the second factor, for who lost it"), permissions=["change"])
    def remove_second_factor(self, request, chosen):
        for user in chosen:
            if self.has_change_permission(request, user):
                second_factor.remove(user, by=request.user)
        self.message_user(request, _("Done: the password alone lets in again."))
