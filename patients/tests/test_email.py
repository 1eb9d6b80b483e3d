"""What the confirmation says, in the mailbox of a real SMTP server."""

import pytest

from patients.tests.mailing import deliver, only_mail


def test_is_one_mail_to_one_address_with_text_and_html(message, inbox, settings):
    deliver(message)

    mail = only_mail(inbox)
    number = message.patient.display_number
    assert (message.status, message.attempts) == ("sent", 1) and message.sent_at
    assert mail["To"] == mail["X-Recipients"] == "ana@example.org"
    assert mail["Subject"] == f"You are registered with {settings.CLINIC_NAME}"
    assert mail["Message-ID"] == message.message_id and mail["Auto-Submitted"] == "auto-generated"
    for kind in ("plain", "html"):
        text = mail.get_body([kind]).get_content()
        assert "Ana María Ñandú" in text and number in text
        assert "99123456" not in text and "Rincón" not in text and "1984" not in text


def test_speaks_the_patients_language(registered, inbox):
    deliver(registered(language="es").messages.get())

    mail = only_mail(inbox)
    assert "registrad" in mail["Subject"].lower() and "Hola" in mail.get_body(["plain"]).get_content()
    assert 'lang="es"' in mail.get_body(["html"]).get_content()


@pytest.mark.parametrize("name", ["Eve, Ana", 'Ana "eve@mail.example" X', "👩" * 200, "Ana; eve@mail.example"])
def test_puts_no_name_in_any_header(name, registered, inbox):
    deliver(registered(full_name=name).messages.get())

    mail = only_mail(inbox)
    assert mail["X-Recipients"] == "ana@example.org"
    assert "eve" not in str(mail.items()) and name not in str(mail.items())


def test_a_clinics_name_of_two_lines_stays_one_subject(message, inbox, settings):
    settings.CLINIC_NAME = "Riverside\r\nBcc: eve@example.org"
    deliver(message)

    mail = only_mail(inbox)
    assert mail["Subject"] == "You are registered with Riverside Bcc: eve@example.org" and mail["Bcc"] is None


def test_the_page_escapes_a_name(registered, inbox):
    deliver(registered(full_name="Ana & Co").messages.get())

    assert "Ana &amp; Co" in only_mail(inbox).get_body(["html"]).get_content()
