"""The clinic's roles, as Django groups that every `migrate` brings up to date."""

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
        "view_auditevent",
    ],
}


def create(sender, using, **kwargs):
    """post_migrate receiver: make the groups and give each exactly the permissions of its role."""
    from django.contrib.auth.management import create_permissions
    from django.contrib.auth.models import Group, Permission

    create_permissions(sender, verbosity=0, using=using)  # its own receiver may run after this one
    for role, codenames in ROLES.items():
        group, _ = Group.objects.using(using).get_or_create(name=role)
        group.permissions.set(
            Permission.objects.using(using).filter(content_type__app_label="patients", codename__in=codenames)
        )
