from django.contrib import admin
from django.core.paginator import Paginator
from django.utils.functional import cached_property

from patients.models import AuditEvent

NEWEST_MOST = 10_000
_LOOKUPS = ("__exact", "__isnull", "__gte", "__lt")  # of Django's filters


class NewestPages(Paginator):
    """Pages of the newest rows alone: counting millions, or skipping them, would take seconds; searching doesn't."""

    @cached_property
    def count(self):
        return self.object_list.order_by()[:NEWEST_MOST].count()


class OwnFilters:
    """A ModelAdmin that filters by what its page offers alone.

    Django lets anybody who may see the list ask for any lookup of any field: a regular expression that is none would
    fail in the database, another take it for ever, and a name be searched for without the audit calling it a search.
    """

    def lookup_allowed(self, lookup, value, request):
        offered = [item[0] if isinstance(item, tuple) else item for item in self.get_list_filter(request)]
        if lookup in [getattr(item, "parameter_name", None) for item in offered]:
            return True
        is_offered = lookup.partition("__")[0] in offered and lookup.endswith(_LOOKUPS)
        return is_offered and super().lookup_allowed(lookup, value, request)


class BigAdmin(OwnFilters, admin.ModelAdmin):
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


class AccountAdmin(OwnFilters):
    """A ModelAdmin of people's and programs' accounts, whose changes the audit notes by the names of the fields."""

    def log_addition(self, request, account, message):
        AuditEvent.record(AuditEvent.Action.ACCOUNT_CHANGED, by=request.user, detail=f"{account}: added")
        return super().log_addition(request, account, message)

    def log_change(self, request, account, message):
        if fields := [name for change in message for name in change.get("changed", {}).get("fields", [])]:
            detail = f"{account}: {', '.join(fields)}"[:200]
            AuditEvent.record(AuditEvent.Action.ACCOUNT_CHANGED, by=request.user, detail=detail)
        return super().log_change(request, account, message)
