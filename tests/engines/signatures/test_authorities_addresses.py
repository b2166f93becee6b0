"""Which addresses are asked: those that are configured, and no others."""

from __future__ import annotations

import forged_messages as forge
import pytest
from cryptography import x509
from cryptography.x509.oid import AuthorityInformationAccessOID
from forged_messages import VECTORS

from app import config
from app.authorities import addresses
from app.authorities.addresses import BadAddress
from app.authorities.online import Online
from app.config import BadConfiguration
from app.signatures import certificates
from app.signatures.asn1 import tlv


def read(holder: forge.Holder) -> certificates.Certificate:
    return certificates.read(holder.der)


@pytest.mark.parametrize(
    ("url", "read"),
    [
        ("http://ocsp.pki.gov.kz", "http://ocsp.pki.gov.kz/"),
        ("HTTP://OCSP.PKI.GOV.KZ:80/a?b=c", "http://ocsp.pki.gov.kz/a?b=c"),
        ("https://127.0.0.1:8013/crl/ca.crl", "https://127.0.0.1:8013/crl/ca.crl"),
        ("http://host:443/", "http://host:443/"),
    ],
)
def test_an_address_is_read_into_its_parts(url, read):
    assert str(addresses.read(url)) == read


@pytest.mark.parametrize(
    "url",
    [
        "", "ocsp.pki.gov.kz", "ftp://host/", "file:///etc/passwd", "http://", "http:///path", "http://host:0/",
        "http://host:65536/", "http://user@host/", "http://host@evil/", "http://host\\@evil/", "http://host /",
        "http://host/\r\nX: y", "http://host/#part", "http://хост/", "http://host?query", "http://-host/",
        "ldap://host/cn=ca", "http://[::1]/", "http://host/ы", " http://host/",
    ],
)  # fmt: skip
def test_what_could_be_understood_in_two_ways_is_no_address(url):
    with pytest.raises(BadAddress):
        addresses.read(url)


@pytest.mark.parametrize(
    ("url", "is_allowed"),
    [
        ("http://ocsp.pki.gov.kz/other", True),
        ("http://OCSP.pki.gov.kz:80", True),
        ("https://ocsp.pki.gov.kz/", False),
        ("http://ocsp.pki.gov.kz:8080/", False),
        ("http://ocsp.pki.gov.kz.evil/", False),
        ("http://127.0.0.1/", False),
        ("http://ocsp.pki.gov.kz@127.0.0.1/", False),
    ],
)
def test_what_a_certificate_names_is_asked_only_at_a_configured_scheme_host_and_port(url, is_allowed):
    configured = (addresses.read("http://ocsp.pki.gov.kz/"),)

    assert bool(addresses.allowed([url], configured)) is is_allowed


def test_a_certificate_of_the_nca_names_its_responder_its_list_and_the_newest_delta():
    der = (VECTORS / "certs-from-p12/keys-test-2022__KEY_INDIVIDUAL_VALID_2015.cer").read_bytes()
    certificate = certificates.read(der)

    assert addresses.responders(certificate) == ("http://test.pki.gov.kz/ocsp/",)
    assert addresses.lists(certificate) == (
        ("http://test.pki.gov.kz/crl/nca_gost2022_test.crl",),
        ("http://test.pki.gov.kz/crl/nca_gost2022_d_test.crl",),
    )


def test_a_certificate_cannot_name_addresses_without_end(world):
    places = [
        x509.AccessDescription(AuthorityInformationAccessOID.OCSP, x509.UniformResourceIdentifier(f"http://h/{n}"))
        for n in range(50)
    ]
    points = [
        x509.DistributionPoint([x509.UniformResourceIdentifier(f"http://h/{n}")], None, None, None) for n in range(50)
    ]
    extensions = [(x509.AuthorityInformationAccess(places), False), (x509.CRLDistributionPoints(points), False)]
    certificate = read(world.issue(owner="talker", extensions=extensions))

    assert len(addresses.responders(certificate)) == len(addresses.lists(certificate)) == addresses.MOST_NAMED


def test_what_cannot_be_read_names_nothing(world):
    nonsense = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.5.5.7.1.1"), tlv(0x30, tlv(0x30)))
    certificate = read(world.issue(owner="mumbler", extensions=[(nonsense, False)]))

    assert addresses.responders(certificate) == ()


def test_production_asks_the_nca_and_nobody_else_where_nothing_is_set(tmp_path):
    secret = {"KEZEN_VAR": str(tmp_path), "SECRET_KEY": "x" * 32}

    production = config.read({"KEZEN_ENV": "production", **secret})
    demo = config.read({"KEZEN_ENV": "demo", **secret})
    silenced = config.read({"KEZEN_ENV": "production", "KEZEN_OCSP_URLS": "", **secret})

    assert production.ocsp_urls == ("http://ocsp.pki.gov.kz/",)
    assert production.tsp_urls == ("http://tsp.pki.gov.kz/",)
    assert {str(one) for one in Online.of(production, tmp_path).lists} == {
        "http://crl.pki.gov.kz/", "http://crl1.pki.gov.kz/", "http://crl.root.gov.kz/",
    }  # fmt: skip
    assert demo.ocsp_urls == demo.tsp_urls == demo.crl_urls == silenced.ocsp_urls == ()


def test_an_address_that_will_not_do_stops_the_start(client):
    with pytest.raises(BadConfiguration, match=r"KEZEN_TSP_URLS: 'tsp\.pki\.gov\.kz'"):
        client(tsp=("tsp.pki.gov.kz",))
