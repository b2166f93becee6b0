"""Kept lists are fetched before they end; what fails is asked ever less often, and told."""

from __future__ import annotations

import os
from datetime import timedelta

import forged_messages as forge
import pytest
from forged_messages import NOW
from loopback import Loopback, reply
from structlog.testing import capture_logs

from app.authorities import addresses, refreshing
from app.authorities.refreshing import Refreshing
from app.signatures import certificates

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def listing(world, *, at=NOW - HOUR, until=NOW + 7 * DAY, issuer=None) -> bytes:
    return forge.revocation_list(issuer or world.ca, this_update=at, next_update=until)


class Watch:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds

    def pass_by(self, time: timedelta) -> None:
        self.seconds += time.total_seconds()


@pytest.fixture
def watch() -> Watch:
    return Watch()


def _signers(world):
    return [certificates.read(one.der) for one in (world.ca, world.root)]


def test_a_configured_list_is_fetched_and_asked_for_every_hour(world, client, watch):
    with Loopback(reply(listing(world))) as server:
        keeper = Refreshing(client(crl=(f"{server.url}/ca.crl",)), watch)
        asked = []
        for _ in range(4):
            asked.append(keeper.due(at=NOW, signers=_signers(world)))
            watch.pass_by(31 * MINUTE)

    assert asked == [1, 0, 1, 0]
    assert refreshing.state(keeper.online.kept.folder) == {"state": "ok", "lists": 1, "failing": {}}


def test_a_host_without_a_path_is_no_list_but_what_certificates_named_there_is_kept_fresh(world, client, watch):
    newer = listing(world, at=NOW - MINUTE)
    with Loopback(reply(listing(world)), reply(newer)) as server:
        online = client(crl=(server.url,))
        keeper = Refreshing(online, watch)
        assert keeper.due(at=NOW) == 0
        named = addresses.read(f"{server.url}/ca.crl")
        online.revocation_list(named, at=NOW)

        assert keeper.due(at=NOW, signers=_signers(world)) == 1
        assert online.kept.get(named).revoked.der == newer


def test_a_list_that_ends_soon_is_asked_for_more_often_and_the_newer_one_is_there_before_the_end(world, client, watch):
    old, new = listing(world, at=NOW - DAY, until=NOW + 2 * HOUR), listing(world, at=NOW, until=NOW + DAY)
    with Loopback(reply(old), reply(new)) as server:
        keeper = Refreshing(client(crl=(f"{server.url}/ca.crl",)), watch)
        keeper.due(at=NOW, signers=_signers(world))
        watch.pass_by(11 * MINUTE)

        assert keeper.due(at=NOW + 11 * MINUTE, signers=_signers(world)) == 1
    (address,) = keeper.online.lists
    assert keeper.online.kept.get(address).revoked.der == new


def test_what_fails_is_asked_ever_less_often_and_told(world, client, watch):
    with Loopback(reply(status="503 Service Unavailable")) as server:
        keeper = Refreshing(client(crl=(f"{server.url}/ca.crl",)), watch)
        asked_at = []
        with capture_logs() as logs:
            for minute in range(240):
                if keeper.due(at=NOW + minute * MINUTE):
                    asked_at.append(minute)
                watch.pass_by(MINUTE)
        told = refreshing.state(keeper.online.kept.folder)

    assert asked_at == [0, 1, 3, 7, 15, 31, 63, 123, 183]
    assert told["state"] == "failing"
    (failing,) = told["failing"].values()
    assert failing == {"since": "2026-11-20T08:01:00+00:00", "why": "status 503", "failures": len(asked_at)}
    lost = [one for one in logs if one["event"] == "list_not_fetched"]
    assert {one["log_level"] for one in lost} == {"error"}


def test_a_failure_while_the_kept_list_still_serves_is_a_warning_and_passes(world, client, watch):
    newer = listing(world, at=NOW + MINUTE)
    scripts = (reply(listing(world)), reply(status="404 Not Found"), reply(newer))
    with Loopback(*scripts) as server, capture_logs() as logs:
        keeper = Refreshing(client(crl=(f"{server.url}/ca.crl",)), watch)
        for _ in range(3):
            keeper.due(at=NOW + MINUTE, signers=_signers(world))
            watch.pass_by(HOUR)

    assert [one["log_level"] for one in logs if one["event"] == "list_not_fetched"] == ["warning"]
    assert [one["failures"] for one in logs if one["event"] == "list_fetched_again"] == [1]
    assert refreshing.state(keeper.online.kept.folder)["state"] == "ok"


@pytest.mark.parametrize(
    ("given", "why"),
    [
        (lambda w: listing(w, at=NOW - 9 * DAY, until=NOW - DAY), "ended"),
        (lambda w: forge.revocation_list(w.ca, signed_by=w.head), "signature"),
        (lambda w: b"<html>", "malformed"),
    ],
)
def test_a_list_that_is_of_no_use_counts_as_a_failure(given, why, world, client, watch):
    with Loopback(reply(given(world))) as server:
        keeper = Refreshing(client(crl=(f"{server.url}/ca.crl",)), watch)
        keeper.due(at=NOW, signers=_signers(world))

    (failing,) = refreshing.state(keeper.online.kept.folder)["failing"].values()
    assert failing["why"] == why


def test_a_worker_that_is_silent_for_hours_is_told(world, client, watch, monkeypatch):
    with Loopback(reply(listing(world))) as server:
        keeper = Refreshing(client(crl=(f"{server.url}/ca.crl",)), watch)
        keeper.due(at=NOW, signers=_signers(world))
    folder = keeper.online.kept.folder
    later = refreshing.time.time() + 4 * 3600
    monkeypatch.setattr(refreshing.time, "time", lambda: later)

    assert refreshing.state(folder)["state"] == "silent"


@pytest.mark.parametrize("written", ["", "{", "[]", '{"failing": 3, "lists": 1, "written": 0}', "\xff"])
def test_a_damaged_word_is_none(written, tmp_path):
    (tmp_path / refreshing.STATE).write_text(written, encoding="latin-1")

    assert refreshing.state(tmp_path) == {"state": "none"}
    assert refreshing.state(tmp_path / "nowhere") == {"state": "none"}


def test_a_full_or_foreign_disk_stops_nothing(world, client, watch, tmp_path):
    (tmp_path / "authorities").write_text("a file where the folder should be")
    with Loopback(reply(listing(world))) as server:
        keeper = Refreshing(client(crl=(f"{server.url}/ca.crl",)), watch)

        assert keeper.due(at=NOW, signers=_signers(world)) == 1
    assert os.path.isfile(tmp_path / "authorities")
