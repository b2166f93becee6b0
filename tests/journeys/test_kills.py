"""``kill -9`` of the web process at any moment of a transition leaves the whole transition or nothing.

Every act is done once undisturbed on a copy of an application; then again and again on further
copies, three at a time, while the process is killed at a random moment.  Each application must
then look exactly as before, or exactly as the undisturbed one; and as the latter if the act was
acknowledged.

``KEZEN_KILLS`` makes the run longer than its few kills: ``KEZEN_KILLS=60``.
"""

from __future__ import annotations

import base64
import http.client
import os
import random
import re
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlencode

import pytest
from sqlalchemy import Connection, Engine, select, text

from app.accounts.models import User
from app.applications.models import Answers, Application, Attachment, Comment, Counter, Document, History, Signature
from app.audit.models import AuditEntry
from app.config import ROOT
from app.db import make_engine
from app.forms import definitions
from app.notifications.models import Mail, Notification
from tests import herd
from tests.forks import forks
from tests.serving import Installation, copy_of, postgresql, serving

PAST = "%-9_____"
"""The numbers of the demo's past, whose applications nobody has registered here."""
KILLS = int(os.environ.get("KEZEN_KILLS", "15"))
COPIES = 40 + KILLS


class Server(Protocol):
    """A web process that can be killed."""

    port: int

    def kill(self) -> None:
        """End it with SIGKILL."""


@dataclass
class Browser:
    """One signed-in person."""

    port: int
    cookie: str = ""
    token: str = ""

    def ask(self, method: str, path: str, form: Mapping[str, Any] | None = None) -> tuple[int, bytes]:
        """Send a request and return the code and body of the answer."""
        headers = {"Cookie": self.cookie, "Content-Type": "application/x-www-form-urlencoded"}
        body = urlencode({**form, "csrf_token": self.token}, doseq=True) if form is not None else None
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            content = answer.read()
            if method == "GET" or path == "/login":
                self.cookie = (answer.headers.get("Set-Cookie") or self.cookie).split(";")[0]
            return answer.status, content
        finally:
            connection.close()

    def sign_in(self, account: Mapping[str, str]) -> Browser:
        """Sign in and keep the token that forms carry."""
        for page, form in (("/login", account), ("/profile", None)):
            _, content = self.ask("GET", page)
            found = re.search(rb'name="csrf_token"[^>]*value="([^"]+)"', content)
            assert found
            self.token = found[1].decode()
            if form is not None:
                code, _ = self.ask("POST", "/login", {key: form[key] for key in ("email", "password")})
                assert code == 303
        return self


@dataclass
class Act:
    """One kind of act: on copies of which application, by whom, where, with what, and what it comes to."""

    original: int
    by: str
    path: str
    form: dict[str, Any]
    numbers: list[str] = field(default_factory=list)
    before: Any = None
    whole: Any = None

    def do(self, browsers: Mapping[str, Browser], number: str) -> int:
        """Do it to an application; return the code of the answer."""
        return browsers[self.by].ask("POST", f"/applications/{number}/{self.path}", self.form)[0]


def looks(connection: Connection, number: str) -> dict[str, Any]:
    """Return everything that is kept about an application, moments and copies' own numbers left out."""
    row = connection.execute(select(Application.__table__).where(Application.number == number)).one()
    ident = row.id

    def rows(*columns: Any, of: Any, order: Any) -> list[tuple[Any, ...]]:
        statement = select(*columns).where(of).order_by(order)
        return [tuple(found) for found in connection.execute(statement)]

    kept = {name: value for name, value in row._mapping.items() if not name.endswith("_at") and name not in OWN}
    return {
        **kept,
        "moments": [name for name, value in row._mapping.items() if name.endswith("_at") and value],
        "registered": bool(row.registration_number),
        "history": rows(
            History.act,
            History.stage,
            History.source,
            History.target,
            of=History.application_id == ident,
            order=History.id,
        ),
        "audit": rows(
            AuditEntry.act, AuditEntry.user_id, of=AuditEntry.subject == f"application {number}", order=AuditEntry.id
        ),
        "notifications": rows(
            Notification.user_id,
            Notification.message,
            of=Notification.application_number == number,
            order=Notification.user_id,
        ),
        "mails": rows(Mail.to, Mail.language, of=Mail.subject.contains(f" {number} "), order=Mail.to),
        "answers": rows(Answers.stage, Answers.revision, of=Answers.application_id == ident, order=Answers.id),
        "comments": rows(
            Comment.field,
            Comment.words,
            Comment.published_at.is_(None),
            of=Comment.application_id == ident,
            order=Comment.id,
        ),
        "attachments": rows(Attachment.name, of=Attachment.application_id == ident, order=Attachment.id),
        "signatures": rows(
            Signature.signer_iin,
            of=Signature.document_id.in_(select(Document.id).where(Document.application_id == ident)),
            order=Signature.id,
        ),
    }


OWN = ("id", "number", "registration_number")


def require_sound(seen: Mapping[str, Any]) -> None:
    """Require what holds for every application, whatever was done to it."""
    moved = [target for _, _, _, target in seen["history"] if target]
    assert not moved or seen["process"] == moved[-1]
    assert len(seen["mails"]) <= len(seen["notifications"])  # one act is one mail, however many things it tells
    assert bool(seen["mails"]) == bool(seen["notifications"])
    assert [act for act, *_ in seen["history"]] == [act for act, _ in seen["audit"]]


def require_gapless_numbers(connection: Connection) -> None:
    """Require that registration numbers are given once each and without a gap, also by killed acts."""
    given = connection.execute(
        select(Application.registration_number)
        .join(History, History.application_id == Application.id)
        .where(History.act == "register", Application.number.not_like(PAST))
    ).scalars()
    numbers = sorted(int(number.partition("/")[2]) for number in given)
    last = connection.execute(select(Counter.value).where(Counter.series.like("registration-%"))).scalar_one()
    assert numbers == list(range(1, last + 1))


class Trial:
    """An installation with copies of applications that wait for acts, and what the acts come to."""

    def __init__(self, installation: Installation, engine: Engine) -> None:
        self.installation, self.engine = installation, engine
        self.accounts = installation.accounts()
        self.browsers: dict[str, Browser] = {}
        self.acts: dict[str, Act] = {}

    def prepare(self, port: int) -> None:
        """Sign everybody in, lead the originals to where the acts begin, and copy them."""
        keys = ("issuer", "first_head", "other_first_head", "chancery", "listing")
        self.browsers = {key: Browser(port).sign_in(self.accounts[key]) for key in keys}
        registration, completeness = self._typed("registration"), self._typed("completeness")
        ready, fresh = self._original("registration", "issuer"), self._original("registration", "other_issuer")
        self._do("chancery", ready, "stages/registration", {**registration, "done": "1"})
        complete = self._original("completeness", "issuer")
        head, signing = self._original("first_head", "issuer"), self._original("first_head", "other_issuer")
        self._do("other_first_head", signing, "review", {"agree": "1", "seen": self._version(signing)})
        sha256, cms = self._signature(signing)
        reason = {"reason": "Эмиссия мерзімі өзгерді."}
        comment = {"comment-issuer.legal_address": "Мекенжайды түзетіңіз."}
        kinds = {
            "register": (ready, "chancery", "transitions/register", {}),
            "refuse": (
                ready,
                "chancery",
                "registration",
                {"act": "refuse", "text-kk": "Негіздеме", "text-ru": "Обоснование", "reason": "other"},
            ),
            "withdraw": (ready, "issuer", "transitions/withdraw", reason),
            "fill": (fresh, "chancery", "stages/registration", {**registration, "done": "1"}),
            "fill and register": (fresh, "chancery", "stages/registration", {**registration, "trigger": "register"}),
            "fill and accept": (complete, "listing", "stages/completeness", {**completeness, "trigger": "accept"}),
            "delete": (head, "issuer", "transitions/delete", {}),
            "agree": (head, "first_head", "review", {"agree": "1"}),
            "return": (head, "first_head", "review", {"return": "1", **comment}),
            "sign": (signing, "other_first_head", "sign", {"sha256": sha256, "cms": cms}),
        }
        for name, (original, by, path, form) in kinds.items():
            self.acts[name] = Act(original, by, path, {**form, "seen": self._version(original), "revision": "0"})
        with self.engine.begin() as connection:
            for place, act in enumerate(self.acts.values(), start=1):
                act.numbers = herd.multiply(connection, act.original, first_id=place * 1000, count=COPIES)

    def _typed(self, form: str) -> dict[str, list[str]]:
        library, faults = definitions.load(ROOT / "forms", ROOT)
        assert not faults
        return herd.raw_of(library.get(form))

    def _original(self, process: str, author: str) -> int:
        statement = select(Application.id).join(User, User.id == Application.author_id)
        statement = statement.where(Application.process == process, User.email == self.accounts[author]["email"])
        with self.engine.connect() as connection:
            return int(connection.execute(statement.order_by(Application.id)).scalars().first() or 0)

    def _row(self, ident: int) -> Any:
        with self.engine.connect() as connection:
            return connection.execute(select(Application.__table__).where(Application.id == ident)).one()

    def _version(self, ident: int) -> str:
        return str(self._row(ident).version)

    def _do(self, by: str, ident: int, path: str, form: Mapping[str, Any]) -> None:
        form = {"revision": "0", **form}
        code, page = self.browsers[by].ask("POST", f"/applications/{self._row(ident).number}/{path}", form)
        assert code == 303, re.findall(r"<li>(.*?)</li>", page.decode())[-3:]

    def _signature(self, ident: int) -> tuple[str, str]:
        """Let the document be made, and sign it with the sandbox key of its first head."""
        self.browsers["other_first_head"].ask("GET", f"/applications/{self._row(ident).number}/sign")
        with self.engine.connect() as connection:
            statement = select(Document.sha256).where(Document.application_id == ident, Document.kind == "application")
            sha256 = connection.execute(statement).scalar_one()
        from app.sandbox.pki import SandboxPki

        content = (self.installation.var / "files" / sha256[:2] / sha256[2:4] / sha256).read_bytes()
        pki = SandboxPki.open(self.installation.var / "sandbox", environment="test")
        return sha256, base64.b64encode(pki.sign("other_first_head", content, attached=False)).decode()

    def learn(self) -> None:
        """Do every act once undisturbed, and keep what it comes to."""
        for name, act in self.acts.items():
            with self.engine.connect() as connection:
                act.before = looks(connection, act.numbers[0])
            number = act.numbers.pop()
            assert act.do(self.browsers, number) == 303, name
            with self.engine.connect() as connection:
                act.whole = looks(connection, number)
            require_sound({**act.whole, "audit": [row for row in act.whole["audit"] if row[0] != "signed"]})
            assert act.whole != act.before, name

    def together(self, chosen: list[str], server: Server, delay: float | None) -> tuple[list[Any], float]:
        """Do acts at once and kill the server ``delay`` seconds later (None: never); return what was answered."""
        done: list[Any] = [None] * len(chosen)
        numbers = [self.acts[name].numbers.pop() for name in chosen]

        def do(place: int) -> None:
            try:
                done[place] = self.acts[chosen[place]].do(self.browsers, numbers[place])
            except (OSError, http.client.HTTPException) as broken:
                done[place] = broken

        threads = [threading.Thread(target=do, args=(place,)) for place in range(len(chosen))]
        begun = time.monotonic()
        for thread in threads:
            thread.start()
        if delay is not None:
            time.sleep(delay)
            server.kill()
        for thread in threads:
            thread.join()
        return list(zip(chosen, numbers, done, strict=True)), time.monotonic() - begun

    def judge(self, results: list[Any]) -> list[str]:
        """Require that each act is there as a whole or not at all; return which: whole, nothing, unanswered."""
        told = []
        with self.engine.connect() as connection:
            if self.engine.dialect.name == "sqlite":
                assert connection.execute(text("PRAGMA integrity_check")).scalar() == "ok"
                assert connection.execute(text("PRAGMA foreign_key_check")).first() is None
            else:
                self._wait_for_the_dead(connection)
            for name, number, answer in results:
                act, seen = self.acts[name], looks(connection, number)
                assert answer == 303 or isinstance(answer, Exception), (name, answer)
                if answer == 303:
                    assert seen == act.whole, f"{name} was acknowledged and is not whole"
                    told.append("answered")
                else:
                    assert seen in (act.before, act.whole), f"{name} is neither whole nor undone"
                    told.append("whole" if seen == act.whole else "nothing")
            require_gapless_numbers(connection)
        return told

    def _wait_for_the_dead(self, connection: Connection) -> None:
        """Wait until PostgreSQL has seen that the killed process is gone, and ended what it had begun."""
        others = text(
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid() AND state <> 'idle'"
        )
        end = time.monotonic() + 10
        while connection.execute(others).scalar() and time.monotonic() < end:
            connection.rollback()
            time.sleep(0.01)
        connection.rollback()


def kill_often(trial: Trial, kills: int, server: Any) -> None:
    """Kill the server ``kills`` times in the midst of three acts, each time at another moment."""
    chance = random.Random()
    server.start()
    trial.prepare(server.port)
    trial.learn()
    server.kill()
    names = list(trial.acts)
    took = []
    for _ in range(3):
        server.start()
        results, seconds = trial.together(chance.sample(names, 3), server, None)
        server.kill()
        assert trial.judge(results) == ["answered"] * 3
        took.append(seconds)
    longest = sorted(took)[1] * 1.1
    told: list[str] = []
    for _ in range(kills):
        server.start()
        results, _seconds = trial.together(chance.sample(names, 3), server, chance.uniform(0, longest))
        words = trial.judge(results)
        longest *= 1.2 if "answered" not in words else 0.95  # on a busy machine acts take longer than they took
        told += words
    counts = {word: told.count(word) for word in ("answered", "whole", "nothing")}
    print(f"{kills} kills: {counts}, within {longest:.3f} s")
    assert counts["nothing"] + counts["whole"] >= kills // 2, "the kills came too late to prove anything"
    assert counts["answered"] >= kills // 10, "the kills came too early to prove anything"


@contextmanager
def engine_of(url: str) -> Iterator[Engine]:
    """Give an engine and let it go."""
    engine = make_engine(url)
    try:
        yield engine
    finally:
        engine.dispose()


def test_a_transition_survives_a_kill_as_a_whole_or_not_at_all(
    loaded: Installation,
    tmp_path: Path,
) -> None:
    installation = copy_of(loaded, tmp_path / "var")
    with engine_of(f"sqlite:///{installation.var / 'kezen.db'}") as engine, forks(installation) as server:
        kill_often(Trial(installation, engine), KILLS, server)


@pytest.mark.skipif(not os.environ.get("KEZEN_TEST_PG"), reason="no PostgreSQL")
def test_a_transition_survives_a_kill_on_postgresql_as_well(loaded: Installation, tmp_path: Path) -> None:
    with postgresql(os.environ["KEZEN_TEST_PG"]) as url:
        installation = copy_of(loaded, tmp_path / "var", database_url=url)
        with engine_of(url) as engine, forks(installation) as server:
            kill_often(Trial(installation, engine), min(KILLS, 10), server)


def test_the_server_of_an_installation_is_killed_and_nothing_acknowledged_is_lost(
    loaded: Installation,
    tmp_path: Path,
) -> None:
    installation = copy_of(loaded, tmp_path / "var")
    chance = random.Random()
    with engine_of(f"sqlite:///{installation.var / 'kezen.db'}") as engine:
        trial = Trial(installation, engine)
        port = 0
        for kill in range(2):
            with serving(installation, workers=2, port=port) as served:
                port = served.port
                if not kill:
                    trial.prepare(port)
                    trial.learn()
                chosen = chance.sample(list(trial.acts), 3)
                results, _ = trial.together(chosen, served, chance.uniform(0, 0.05))
                trial.judge(results)
