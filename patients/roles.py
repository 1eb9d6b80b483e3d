"""Who may do what: roles of staff and scopes of API clients, as groups that every `migrate` brings up to date."""

ROLES = {
    "Reader": ["view_patient", "view_document_photo", "view_message"],
    "Front desk": [
        "view_patient",
        "view_document_photo",
        "view_message",
        "add_patient",
        "change_patient",
    ],
    "Administrator": [
        "view_patient",
        "view_document_photo",
        "view_message",
        "add_patient",
        "change_patient",
        "delete_patient",
        "export_patient",
        "merge_patient",
        "view_auditevent",
        "add_user",
        "change_user",
        "view_user",
        "add_client",
        "change_client",
        "view_client",
        "add_apitoken",
        "delete_apitoken",
        "view_apitoken",
    ],
}
#: What an API client may be given. Who corrects a record sees it, in the answer and for its ETag, but not the photo.
SCOPES = {
    "patients:register": ["add_patient"],
    "patients:read": ["view_patient", "view_document_photo", "view_message"],
    "patients:change": ["view_patient", "change_patient"],
}
#: The group of every API client, which gives no right.
CLIENTS = "API client"


def create(sender, using, **kwargs):
    """post_migrate receiver: make the groups and give each exactly the permissions of its role or scope."""
    from django.contrib.auth.management import create_permissions
    from django.contrib.auth.models import Group, Permission

    create_permissions(sender, verbosity=0, using=using)  # its own receiver may run after this one
    for name, codenames in {**ROLES, **SCOPES, CLIENTS: []}.items():
        group, _ = Group.objects.using(using).get_or_create(name=name)
        group.permissions.set(
            Permission.objects.using(using).filter(
                content_type__app_label__in=["patients", "auth"], codename__in=codenames
            )
        )
