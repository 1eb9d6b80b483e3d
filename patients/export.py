"""What leaves the service in a file: for the patient who asks for it, or for another system."""

import csv
import io
import json
import re

from patients.models import AuditEvent

FIELDS = (
    "full_name", "email", "shared_email", "email_state", "phone", "address", "date_of_birth", "language",
    "registered_at", "source",
)  # fmt: skip
# At the start of a cell, also of one that a spreadsheet makes at another separator than the comma.
_FORMULA = re.compile(r"(?:^|(?<=[;|\t\r\n]))(?=\s*[=+\-@\t\r])")


def as_csv(patients):
    """Return one line for each patient, in UTF-8 with the mark that spreadsheets look for."""
    file = io.StringIO()
    writer = csv.writer(file)
    writer.writerow(["number", *FIELDS])
    for patient in patients:
        values = _values(patient)
        writer.writerow([values["number"], *(_cell(name, values[name]) for name in FIELDS)])
    return file.getvalue().encode("utf-8-sig")


def as_json(patients):
    """Return everything that is kept of each patient but the photo: values, messages, who did what."""
    return json.dumps([_everything(patient) for patient in patients], ensure_ascii=False, indent=1).encode()


def _values(patient):
    values = {name: getattr(patient, name) for name in FIELDS}
    texts = {name: value.isoformat() for name, value in values.items() if hasattr(value, "isoformat")}
    return {"number": patient.display_number} | values | texts


def _everything(patient):
    messages = [
        {
            "channel": message.channel,
            "status": message.status,
            "sent_at": message.sent_at and message.sent_at.isoformat(),
        }
        for message in patient.messages.all()
    ]
    history = [
        {"at": event.at.isoformat(), "action": event.action, "by": str(event.actor or ""), "detail": event.detail}
        for event in AuditEvent.objects.of(patient).select_related("actor")
    ]
    return _values(patient) | {"messages": messages, "history": history}


def _cell(name, value):
    """Return a value that no spreadsheet takes for a formula (OWASP, CSV injection)."""
    text = "" if value is None else str(value)
    return text if name == "phone" else _FORMULA.sub("'", text)
