from patients.models.audit import AuditEvent
from patients.models.draft import PhotoDraft
from patients.models.message import Message
from patients.models.patient import ChangedMeanwhile, EmailTaken, Patient, SearchKey
from patients.models.worker import Chore, Heartbeat

__all__ = [
    "AuditEvent",
    "ChangedMeanwhile",
    "Chore",
    "EmailTaken",
    "Heartbeat",
    "Message",
    "Patient",
    "PhotoDraft",
    "SearchKey",
]
