from patients.models.audit import AppendOnly, AuditEvent, AuditHead
from patients.models.chosen_language import ChosenLanguage
from patients.models.client import ApiToken, Client
from patients.models.draft import PhotoDraft, PhotoUsed
from patients.models.erasure import Erasure
from patients.models.former_number import FormerNumber
from patients.models.known_apart import KnownApart
from patients.models.message import Message
from patients.models.patient import ChangedMeanwhile, EmailTaken, Patient
from patients.models.resemblance import Resemblance
from patients.models.search_key import SearchKey
from patients.models.submission import AlreadySubmitted, KeyReused, Submission
from patients.models.tally import Tally
from patients.models.worker import Chore, Heartbeat

__all__ = [
    "AlreadySubmitted",
    "AppendOnly",
    "ApiToken",
    "AuditEvent",
    "AuditHead",
    "ChangedMeanwhile",
    "ChosenLanguage",
    "Chore",
    "Client",
    "EmailTaken",
    "Erasure",
    "FormerNumber",
    "Heartbeat",
    "KeyReused",
    "KnownApart",
    "Message",
    "Patient",
    "PhotoDraft",
    "PhotoUsed",
    "Resemblance",
    "SearchKey",
    "Submission",
    "Tally",
]
