from django.contrib import admin

from patients.models import AuditEvent


class ReadOnlyAdmin(admin.ModelAdmin):
    show_full_result_count = False

    def has_add_permission(self, request):
        return False

    def has_change_permission(self, request, obj=None):
        return False

    def has_delete_permission(self, request, obj=None):
        return False


class AccountAdmin:
    """A ModelAdmin of people's and programs' accounts, whose changes the audit notes by the names of the fields."""

    def log_addition(self, request, account, message):
        AuditEvent.record(AuditEvent.Action.ACCOUNT_CHANGED, by=request.user, detail=f"{account}: added")
        return super().log_addition(request, account, message)

    def log_change(self, request, account, message):
        if fields := [name for change in message for name in change.get("changed", {}).get("fields", [])]:
            detail = f"{account}: {', '.join(fields)}"[:200]
            AuditEvent.record(AuditEvent.Action.ACCOUNT_CHANGED, by=request.user, detail=detail)
        return super().log_change(request, account, message)
