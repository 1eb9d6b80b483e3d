"""Mail through a server that asks for TLS and a password, as EMAIL_URL names them."""

import asyncio
import ipaddress
import ssl
from datetime import UTC, datetime, timedelta

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from patients.tests.mailing import deliver
from patients.tests.service import free_port


@pytest.fixture
def certificate(tmp_path):
    """Return a file with a key and its certificate for 127.0.0.1, signed by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mail")])
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False)
        .sign(key, hashes.SHA256())
    )
    pem, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    file = tmp_path / "certificate.pem"
    file.write_bytes(key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain) + signed.public_bytes(pem))
    return file


@pytest.fixture
def tls(certificate):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


class Server:
    """Takes mail from who signed in; `drips` makes it answer MAIL with line after line, without an end."""

    def __init__(self, tls):
        self.drips, self.seen = False, []
        self.controller = Controller(
            self, hostname="127.0.0.1", port=free_port(), tls_context=tls, require_starttls=True, auth_required=True,
            authenticator=lambda server, session, envelope, mechanism, login: AuthResult(
                success=(login.login, login.password) == (b"clinic", b"secret"), handled=False
            ),
        )  # fmt: skip

    async def handle_MAIL(self, server, session, envelope, address, options):
        while self.drips and not server.transport.is_closing():
            await server.push("250-wait")
            await asyncio.sleep(0.1)
        envelope.mail_from = address
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        self.seen.append((session.ssl is not None, session.authenticated, envelope.rcpt_tos))
        return "250 OK"


@pytest.fixture
def server(tls, certificate, settings, monkeypatch):
    server = Server(tls)
    server.controller.start()
    settings.EMAIL_BACKEND = "patients.messages.email.Connection"
    settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_USE_TLS = "127.0.0.1", server.controller.port, True
    settings.EMAIL_HOST_USER, settings.EMAIL_HOST_PASSWORD = "clinic", "secret"
    settings.EMAIL_TIMEOUT = 2
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    yield server
    server.controller.stop()


def test_is_sent_encrypted_and_signed_in(registered, server):
    message = deliver(registered().messages.get())

    assert message.status == "sent" and server.seen == [(True, True, ["ana@example.org"])]


def test_a_wrong_password_is_no_fault_of_the_address(registered, server, settings):
    settings.EMAIL_HOST_PASSWORD = "other"
    message = deliver(registered().messages.get())

    assert (message.status, message.failure) == ("queued", "refused 535")


def test_a_server_whose_certificate_is_not_trusted_gets_nothing(registered, server, monkeypatch):
    monkeypatch.delenv("SSL_CERT_FILE")
    message = deliver(registered().messages.get())

    assert (message.status, message.failure) == ("queued", "unreachable SSLCertVerificationError")


def test_a_server_that_never_comes_to_an_end_is_cut_off(registered, server, monkeypatch):
    monkeypatch.setattr("patients.messages.email.SECONDS_MOST", 0.5)
    server.drips = True
    message = deliver(registered().messages.get())

    assert (message.status, message.failure.split()[0]) == ("queued", "unreachable") and server.seen == []
