"""The TLS front of an installation: ``flask front`` finds what is wrong with it, and plain requests are refused."""

from __future__ import annotations

import datetime
import ipaddress
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from browser import Browser
from click.testing import CliRunner
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID
from houses import House, settings

from app.cli.front import front_command, front_faults, plain_faults

ROOT = Path(__file__).resolve().parents[2]
HSTS = "Strict-Transport-Security: max-age=31536000\r\n"


def pair(folder: Path, *, key=None, digest=None) -> tuple[Path, Path]:
    """Return certificate and key of 127.0.0.1, signed by itself."""
    key = key or rsa.generate_private_key(65537, 2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(7)
        .not_valid_before(now - datetime.timedelta(days=1)).not_valid_after(now + datetime.timedelta(days=9))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .sign(key, digest or hashes.SHA256())
    )  # fmt: skip
    certificate, private = folder / "chain.pem", folder / "key.pem"
    certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return certificate, private


@contextmanager
def front(
    files: tuple[Path, Path] | None,
    *,
    least=ssl.TLSVersion.TLSv1_2,
    most=ssl.TLSVersion.TLSv1_3,
    head: str = HSTS,
    status: str = "200 OK",
) -> Iterator[int]:
    """Stand as a front on a free port until the end; without ``files`` it speaks in plain."""
    context = None
    if files is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*map(str, files))
        if least < ssl.TLSVersion.TLSv1_2:
            context.set_ciphers("ALL:@SECLEVEL=0")
        context.minimum_version, context.maximum_version = least, most
    listening = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                plain, _ = listening.accept()
            except OSError:
                return
            try:
                with context.wrap_socket(plain, server_side=True) if context else plain as one:
                    one.recv(4096)
                    one.sendall(f"HTTP/1.1 {status}\r\n{head}Content-Length: 0\r\n\r\n".encode())
            except OSError:
                plain.close()

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield listening.getsockname()[1]
    finally:
        listening.shutdown(socket.SHUT_RDWR)  # wakes who waits for a caller
        listening.close()


@pytest.mark.req("ESRV-37", "ESRV-34.b")
def test_a_front_with_tls_13_and_an_rsa_certificate_is_in_order(tmp_path):
    files = pair(tmp_path)

    with front(files) as port:
        done = CliRunner().invoke(
            front_command, ["127.0.0.1", "--port", str(port), "--plain-port", "0", "--trust", str(files[0])]
        )

    assert done.exception is None, done.exception
    assert (done.exit_code, done.output) == (0, f"127.0.0.1:{port}: TLS 1.3, RSA with SHA-256, HSTS: in order\n")


@pytest.mark.req("ESRV-37")
@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"most": ssl.TLSVersion.TLSv1_2}, "does not speak TLS 1.3"),
        ({"head": ""}, "no Strict-Transport-Security"),
        ({"least": ssl.TLSVersion.TLSv1_1}, "TLS 1.1 or older"),
        ("ec", "no RSA key"),
        ("1024", "1024 bits"),
        ("foreign", "not trusted"),
        ("plain", "does not speak TLS 1.3"),
    ],
)
@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1")
def test_what_is_wrong_with_a_front_is_told(tmp_path, wrong, told):
    key = {"ec": lambda: ec.generate_private_key(ec.SECP256R1()), "1024": lambda: rsa.generate_private_key(65537, 1024)}
    files = pair(tmp_path, key=key[wrong]() if isinstance(wrong, str) and wrong in key else None)
    given = wrong if isinstance(wrong, dict) else {}
    if wrong == "1024":
        pytest.skip("this OpenSSL takes no such key") if _refuses_small_keys(files) else None

    with front(None if wrong == "plain" else files, **given) as port:
        faults = front_faults("127.0.0.1", port, trust=None if wrong == "foreign" else files[0])

    assert [told in fault for fault in faults] == [True]


def _refuses_small_keys(files: tuple[Path, Path]) -> bool:
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(*map(str, files))
    except ssl.SSLError:
        return True
    return False


@pytest.mark.parametrize(
    ("status", "head", "is_wrong"),
    [
        ("200 OK", "", True),
        ("308 Permanent Redirect", "Location: http://127.0.0.1/login\r\n", True),
        ("308 Permanent Redirect", "Location: https://127.0.0.1/login\r\n", False),
    ],
)
def test_a_plain_port_leads_to_https_or_is_a_fault(status, head, is_wrong):
    with front(None, status=status, head=head) as port:
        assert bool(plain_faults("127.0.0.1", port)) is is_wrong
    assert plain_faults("127.0.0.1", port) == []  # shut by now


def test_the_shipped_front_forbids_old_protocols_leads_plain_to_https_and_overwrites_headers():
    config = (ROOT / "deploy" / "nginx.conf").read_text(encoding="utf-8")
    passed = (ROOT / "deploy" / "is2in-proxy.conf").read_text(encoding="utf-8")

    protocols = next(line.split("#")[0].split() for line in config.splitlines() if "ssl_protocols" in line)
    assert [each.rstrip(";") for each in protocols[1:]] == ["TLSv1.2", "TLSv1.3"]
    assert "return 308 https://$host$request_uri;" in config
    assert "X-Forwarded-For   $remote_addr;" in passed
    assert "X-Forwarded-Proto $scheme;" in passed
    assert config.count("{") == config.count("}")


@pytest.mark.req("ESRV-26", "ESRV-34.b")
@pytest.mark.parametrize("database", ["sqlite"])
def test_in_production_nothing_is_given_or_taken_in_plain(house, tmp_path):
    chosen = settings(
        tmp_path / "c", KEZEN_ENV="production", SECRET_KEY="k" * 40, DATABASE_URL=house.config.database_url,
        KEZEN_BASE_URL="https://is2in.example", KEZEN_TRUSTED_PROXIES="1",
    )  # fmt: skip
    strict = House.build(chosen)
    try:
        strict.enter()
        someone = Browser(strict.app)
        read = someone.get("/login?next=/applications")
        sent = someone.post("/login", {"email": "a@b.example", "password": "x"})
        guarded = someone.get("/login", headers={"X-Forwarded-Proto": "https"})
        health = someone.get("/health")
    finally:
        strict.engine.dispose()
        house.enter()

    assert (read.status, read.headers["Location"]) == (308, "https://is2in.example/login?next=/applications")
    assert "Set-Cookie" not in read.headers
    assert sent.status == 403
    assert guarded.status == 200
    assert all("Secure" in cookie.split("; ") for cookie in guarded.headers.getlist("Set-Cookie"))
    assert guarded.headers["Strict-Transport-Security"] == "max-age=31536000"
    assert health.status == 200
