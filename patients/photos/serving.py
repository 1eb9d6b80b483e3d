"""The one way in which a photo leaves the service."""

from django.core.files.storage import default_storage
from django.http import FileResponse, Http404

from patients.models import AuditEvent
from patients.photos import storage


def photo_response(patient, *, by, thumbnail=False):
    """Return the photo (image/jpeg) after noting who sees it.

    Without the permission it is the same 404 as for an unknown number: whether there is a photo is nobody else's
    business. If the note can't be written, the exception keeps the photo from being shown.
    """
    if not by.has_perm("patients.view_document_photo"):
        AuditEvent.record_refusal(AuditEvent.Action.REFUSED, by=by, patient=patient, detail="photo")
        raise Http404
    if not patient.document_photo:
        raise Http404  # its time was over
    patient.photo_seen(by=by, thumbnail=thumbnail)
    name = patient.document_photo.name
    try:
        file = default_storage.open(storage.thumbnail_name(name) if thumbnail else name)
    except FileNotFoundError:
        raise Http404 from None
    return FileResponse(
        file,
        filename=f"{patient.display_number}.jpg",
        content_type="image/jpeg",
        headers={
            "Content-Security-Policy": "default-src 'none'; sandbox",
            "Cache-Control": "private, no-store",
            "X-Content-Type-Options": "nosniff",
        },
    )
