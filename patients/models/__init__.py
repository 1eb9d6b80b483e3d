from patients.models.audit import AuditEvent
from patients.models.draft import PhotoDraft
from patients.models.message import Message
from patients.models.patient import ChangedMeanwhile, EmailTaken, Patient, SearchKey

__all__ = ["AuditEvent", "ChangedMeanwhile", "EmailTaken", "Message", "Patient", "PhotoDraft", "SearchKey"]
