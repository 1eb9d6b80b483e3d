from patients.models.audit import AppendOnly, AuditEvent, AuditHead
from patients.models.draft import PhotoDraft
from patients.models.message import Message
from patients.models.patient import ChangedMeanwhile, EmailTaken, Patient, SearchKey
from patients.models.submission import AlreadySubmitted, KeyReused, Submission
from patients.models.worker import Chore, Heartbeat

__all__ = [
    "AlreadySubmitted",
    "AppendOnly",
    "AuditEvent",
    "AuditHead",
    "ChangedMeanwhile",
    "Chore",
    "EmailTaken",
    "Heartbeat",
    "KeyReused",
    "Message",
    "Patient",
    "PhotoDraft",
    "SearchKey",
    "Submission",
]
