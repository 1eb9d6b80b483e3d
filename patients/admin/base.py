from django.contrib import admin
from django.core.paginator import Paginator
from django.utils.functional import cached_property

from patients.models import AuditEvent

NEWEST_MOST = 10_000


class NewestPages(Paginator):
    """Pages of the newest rows alone: counting millions, or skipping them, would take seconds; searching doesn't."""

    @cached_property
    def count(self):
        return self.object_list.order_by()[:NEWEST_MOST].count()


class BigAdmin(admin.ModelAdmin):
    """A ModelAdmin of rows without number, always listed newest first, for that is the one order with an index."""

    ordering = ["-pk"]
    sortable_by = ()
    list_per_page = 25
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    paginator = NewestPages


class SinceFilter(admin.DateFieldListFilter):
    """Rows of today, of the past seven days …: those after the first one, so that the list's own index is used."""

    def queryset(self, request, queryset):
        checked = super().queryset(request, queryset)  # raises IncorrectLookupParameters
        since = self.used_parameters.get(self.lookup_kwarg_since)
        if not since:
            return checked
        first = queryset.model._default_manager.filter(**{self.lookup_kwarg_since: since[0]})
        return queryset.filter(pk__gte=first.order_by(self.field_path, "pk").values("pk")[:1])


class ReadOnlyAdmin(BigAdmin):
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
