from django.conf import settings


def clinic(request):
    """Template context: the name of the clinic, shown in every page's header."""
    return {"clinic_name": settings.CLINIC_NAME}
