"""``flask front HOST``: whether the TLS front of an installation guards what passes through it (ESRV-34, 37)."""

from __future__ import annotations

import socket
import ssl
import warnings
from pathlib import Path

import click
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa

PATIENCE = 5
LEAST_BITS = 2048


def commands() -> list[click.Command]:
    """Return the commands of this file."""
    return [front_command]


@click.command("front")
@click.argument("host")
@click.option("--port", type=click.IntRange(1, 65535), default=443, show_default=True)
@click.option("--plain-port", type=click.IntRange(0, 65535), default=80, show_default=True, help="0: it is not asked.")
@click.option(
    "--trust", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="An authority of your own (PEM)."
)
def front_command(host: str, port: int, plain_port: int, trust: Path | None) -> None:
    """Check the front before an installation: TLS 1.3, nothing older than 1.2, an RSA certificate, HSTS.

    Each fault on a line; exit 1 if there is any.
    """
    faults = front_faults(host, port, trust=trust)
    if plain_port and not faults:
        faults += plain_faults(host, plain_port)
    for fault in faults:
        click.echo(f"{host}:{port}: {fault}")
    if faults:
        raise SystemExit(1)
    click.echo(f"{host}:{port}: TLS 1.3, RSA with SHA-256, HSTS: in order")


def front_faults(host: str, port: int, *, trust: Path | None = None) -> list[str]:
    """Return what is wrong with a front, in sentences with what would mend it; nothing when all is in order."""
    newest = _context(trust)
    newest.minimum_version = ssl.TLSVersion.TLSv1_3
    try:
        der, answer = _asked(host, port, newest)
    except ssl.SSLCertVerificationError as error:
        return [f"its certificate is not trusted ({error.verify_message}); install one for this name, or give --trust"]
    except (ssl.SSLError, ConnectionResetError):
        return ["it does not speak TLS 1.3; allow it (nginx: ssl_protocols TLSv1.2 TLSv1.3)"]
    except OSError as error:
        return [f"it does not answer ({error.strerror or error}); start it"]
    faults = _of_certificate(der)
    if "\nstrict-transport-security:" not in answer.lower():
        faults.append("it sends no Strict-Transport-Security; pass X-Forwarded-Proto and set KEZEN_TRUSTED_PROXIES")
    if _speaks_older(host, port):
        faults.append("it speaks TLS 1.1 or older; forbid it (nginx: ssl_protocols TLSv1.2 TLSv1.3)")
    return faults


def _context(trust: Path | None) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(trust) if trust else None)


def _asked(host: str, port: int, context: ssl.SSLContext) -> tuple[bytes, str]:
    """Return the certificate of a front, and what it answers to ``GET /health``."""
    with (
        socket.create_connection((host, port), timeout=PATIENCE) as plain,
        context.wrap_socket(plain, server_hostname=host) as guarded,
    ):
        guarded.sendall(f"GET /health HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
        answer = b""
        while b"\r\n\r\n" not in answer and (piece := guarded.recv(4096)):
            answer += piece
        return guarded.getpeercert(binary_form=True) or b"", answer.decode("latin-1").replace("\r\n", "\n")


def _of_certificate(der: bytes) -> list[str]:
    certificate = x509.load_der_x509_certificate(der)
    key, faults = certificate.public_key(), []
    if not isinstance(key, rsa.RSAPublicKey):
        faults.append("its certificate has no RSA key; the rules ask for RSA (ESRV-37)")
    elif key.key_size < LEAST_BITS:
        faults.append(f"its RSA key has {key.key_size} bits; take {LEAST_BITS} or more")
    try:
        algorithm: object = certificate.signature_hash_algorithm
    except UnsupportedAlgorithm:
        algorithm = None
    if not isinstance(algorithm, (hashes.SHA256, hashes.SHA384, hashes.SHA512)):
        faults.append("its certificate is not signed with SHA-256 or better; have it issued anew")
    return faults


def _speaks_older(host: str, port: int) -> bool:
    """Tell whether a front still takes TLS 1.1 or 1.0; the certificate does not matter here."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # to find old protocols one has to speak them
        context.options &= ~(ssl.OP_NO_TLSv1 | ssl.OP_NO_TLSv1_1)
        context.minimum_version, context.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
    try:
        _asked(host, port, context)
    except (ssl.SSLError, OSError):
        return False
    return True


def plain_faults(host: str, port: int) -> list[str]:
    """Return what is wrong with the plain port: it may be shut, or lead to https and nowhere else."""
    try:
        with socket.create_connection((host, port), timeout=PATIENCE) as plain:
            plain.sendall(f"GET /login HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
            answer = plain.recv(4096).decode("latin-1").lower()
    except OSError:
        return []
    if answer.startswith(("http/1.1 30", "http/1.0 30")) and "\nlocation: https://" in answer.replace("\r\n", "\n"):
        return []
    return [f"port {port} answers in plain; lead it to https, or shut it"]
