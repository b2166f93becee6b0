"""Revocation lists from the network: where they lie, which are taken, how they are kept."""

from __future__ import annotations

import os
from datetime import timedelta

import forged_messages as forge
import pytest
from cryptography import x509
from forged_messages import NOW
from loopback import Loopback, hang_up, reply
from structlog.testing import capture_logs

from app.authorities import addresses
from app.authorities.kept_lists import KeptLists
from app.authorities.online import Unavailable
from app.signatures import certificates, revocation

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def read(holder: forge.Holder) -> certificates.Certificate:
    return certificates.read(holder.der)


def listing(world, *, at=NOW - HOUR, until=NOW + DAY, issuer=None) -> bytes:
    return forge.revocation_list(issuer or world.ca, this_update=at, next_update=until)


@pytest.fixture
def age(tmp_path):
    """Return what makes all lists kept look as if they had been asked for long ago."""

    def age() -> None:
        for path in (tmp_path / "authorities").iterdir():
            os.utime(path, (1, 1))

    return age


def test_a_list_is_fetched_once_and_kept_for_other_processes(world, client):
    with Loopback(reply(listing(world))) as server:
        address = addresses.read(f"{server.url}/ca.crl")
        got = [client(crl=(server.url,)).revocation_list(address, at=NOW) for _ in range(2)]

    assert got == [listing(world)] * 2
    assert len(server.requests) == 1


def test_a_kept_list_is_asked_for_again_by_its_mark_after_a_while(world, client, age):
    newer = listing(world, at=NOW - timedelta(minutes=1))
    mark = {"ETag": '"7"'}
    with Loopback(reply(listing(world), **mark), reply(status="304 Not Modified"), reply(newer)) as server:
        online, address = client(), addresses.read(f"{server.url}/ca.crl")
        got = [online.revocation_list(address, at=NOW)]
        for _ in range(2):
            age()
            got.append(online.revocation_list(address, at=NOW))
        got.append(online.revocation_list(address, at=NOW))

    assert got == [listing(world), listing(world), newer, newer]
    assert [request.headers.get("if-none-match") for request in server.requests] == [None, '"7"', '"7"']


def test_a_kept_list_is_asked_for_by_its_date_where_it_has_no_mark(world, client, age):
    with Loopback(reply(listing(world), Last_Modified="Fri, 20 Nov 2026 07:01:00 GMT")) as server:
        online, address = client(), addresses.read(f"{server.url}/ca.crl")
        online.revocation_list(address, at=NOW)
        age()
        online.revocation_list(address, at=NOW)

    assert server.requests[1].headers["if-modified-since"] == "Fri, 20 Nov 2026 07:01:00 GMT"


@pytest.mark.parametrize("later", [DAY - timedelta(minutes=4), DAY + HOUR, -2 * HOUR])
def test_a_kept_list_about_to_end_or_from_later_is_fetched_anew_whatever_its_mark(world, client, later):
    with Loopback(reply(listing(world), ETag='"7"')) as server:
        online, address = client(), addresses.read(f"{server.url}/ca.crl")
        online.revocation_list(address, at=NOW)
        online.revocation_list(address, at=NOW + later)

    assert [request.headers.get("if-none-match") for request in server.requests] == [None, None]


def test_a_kept_list_serves_on_while_its_address_does_not_answer(world, client, age):
    with Loopback(reply(listing(world)), hang_up) as server:
        online, address = client(), addresses.read(f"{server.url}/ca.crl")
        online.revocation_list(address, at=NOW)
        age()
        again = online.revocation_list(address, at=NOW)
        ended = online.revocation_list(address, at=NOW + 2 * DAY)

    assert again == listing(world)
    assert isinstance(ended, Unavailable)


REFUSED_LISTS = {
    "older than the kept one": (lambda w: listing(w, at=NOW - 2 * HOUR), "older"),
    "signed by another": (lambda w: listing(w, issuer=forge.authority("VECTOR ISSUING CA TEST", "liar", None)),
                          "signature"),
    "of another authority": (lambda w: listing(w, issuer=forge.authority("ELSE", "else", None)), "signature"),
    "no list": (lambda w: w.head.der, "malformed"),
}  # fmt: skip


@pytest.mark.parametrize("kind", REFUSED_LISTS)
def test_a_list_that_is_worse_than_the_kept_one_does_not_push_it_out(kind, world, client, age):
    make, why = REFUSED_LISTS[kind]
    with Loopback(reply(listing(world)), reply(make(world))) as server, capture_logs() as said:
        online, address = client(), addresses.read(f"{server.url}/ca.crl")
        online.revocation_list(address, at=NOW, signers=[read(world.ca)])
        age()
        again = online.revocation_list(address, at=NOW, signers=[read(world.ca)])

    assert again == listing(world)
    assert [line["why"] for line in said] == [why]
    assert KeptLists(online.kept.folder).get(address).revoked.der == listing(world)


@pytest.mark.parametrize("damage", [b"", b"{}\n", b"not json\n\x30\x00", b'{"etag":"","last_modified":""}\n\x30\x00'])
def test_a_kept_file_that_is_damaged_is_fetched_anew(damage, world, client):
    with Loopback(reply(listing(world))) as server:
        online, address = client(), addresses.read(f"{server.url}/ca.crl")
        online.revocation_list(address, at=NOW)
        (file,) = online.kept.folder.iterdir()
        file.write_bytes(damage)

        assert online.revocation_list(address, at=NOW) == listing(world)

    assert len(server.requests) == 2


def test_a_folder_that_cannot_be_written_keeps_nothing_and_harms_nothing(world, client, tmp_path):
    (tmp_path / "authorities").write_text("a file in the way")
    with Loopback(reply(listing(world))) as server:
        got = client().revocation_list(addresses.read(server.url), at=NOW)

    assert got == listing(world)


def test_the_list_and_the_delta_that_a_certificate_names_are_fetched_at_the_first_address_that_answers(world, client):
    with Loopback(reply(status="404 Not Found"), reply(listing(world)), reply(b"delta")) as server:
        urls = [x509.UniformResourceIdentifier(f"{server.url}/{name}") for name in ("gone.crl", "ca.crl", "same.crl")]
        newest = [x509.UniformResourceIdentifier(f"{server.url}/delta.crl")]
        holder = world.issue(
            owner="listed",
            extensions=[
                (x509.CRLDistributionPoints([x509.DistributionPoint(urls, None, None, None)]), False),
                (x509.FreshestCRL([x509.DistributionPoint(newest, None, None, None)]), False),
            ],
        )
        lists, missing = client(crl=(server.url,)).lists_for(read(holder), at=NOW)

    assert [request.line.split()[1] for request in server.requests] == ["/gone.crl", "/ca.crl", "/delta.crl"]
    assert lists == (listing(world),)
    assert [one.why for one in missing] == ["status 404", "malformed"]


def test_a_certificate_that_names_no_list_has_that_of_its_issuer_among_the_configured(world, client):
    of_root, of_ca = listing(world, issuer=world.root), listing(world)
    by_path = {"/root.crl": of_root, "/ca.crl": of_ca}
    with Loopback(reply(lambda request: by_path[request.line.split()[1]])) as server:
        online = client(crl=(server.url, *(server.url + path for path in by_path)))
        first = online.lists_for(read(world.head), at=NOW)
        online.again_after = timedelta()
        second = online.lists_for(read(world.head), at=NOW)

    assert first == second == ((of_ca,), ())
    # The second time it is known that the other list is the root's.
    assert [request.line.split()[1] for request in server.requests] == ["/root.crl", "/ca.crl", "/ca.crl"]


def test_a_list_larger_than_any_is_not_read(world, client, monkeypatch):
    monkeypatch.setattr(revocation, "LARGEST_LIST", 100)
    with Loopback(reply(listing(world))) as server:
        got = client().revocation_list(addresses.read(server.url), at=NOW)

    assert got.why == "too_large"
