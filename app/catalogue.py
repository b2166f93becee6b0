"""The definitions in force: procedures, forms, calendars, bodies, by whom signatures are judged.  Read once.

A faulty file stops the start of the server, with every fault of every file told; commands that
need no definitions (``flask check`` above all) run all the same, because they never ask.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from app import terms
from app.authorities.online import Online
from app.bodies import definitions as bodies
from app.bodies.definitions import BodyLibrary
from app.business_calendar import definitions as calendars
from app.business_calendar.definitions import CalendarLibrary
from app.config import Config
from app.definition_files import FaultyDefinitions
from app.forms import definitions as forms
from app.forms.definitions import FormLibrary
from app.sandbox.pki import SandboxPki
from app.signatures import trust
from app.signatures.trust import TrustStore
from app.terms.check import faults as faults_of_terms
from app.workflows import definitions as workflows
from app.workflows.condition_checks import UNREADABLE
from app.workflows.definitions import ProcedureLibrary


@dataclass(frozen=True)
class Catalogue:
    """All definitions of one installation; ``online`` are the services that say what a certificate is worth now."""

    procedures: ProcedureLibrary
    forms: FormLibrary
    calendars: CalendarLibrary
    trust: TrustStore
    online: Online
    bodies: BodyLibrary = field(default_factory=BodyLibrary)


@dataclass
class _Shelf:
    config: Config | None = None
    catalogue: Catalogue | None = None


_shelf = _Shelf()


def configure(config: Config) -> None:
    """Name the installation whose definitions are meant; nothing is read yet."""
    _shelf.config, _shelf.catalogue = config, None


def present() -> Catalogue:
    """Return the definitions in force; the first call reads them.

    Raises:
        FaultyDefinitions: some file is faulty; all faults are told.
        RuntimeError: no installation has been named.
    """
    if _shelf.catalogue is None:
        if _shelf.config is None:
            raise RuntimeError("the catalogue has not been configured")
        _shelf.catalogue = _read(_shelf.config)
    return _shelf.catalogue


def _read(config: Config) -> Catalogue:
    library, faults = forms.load(config.forms, config.forms.parent)
    procedures, more = workflows.load(config.workflows, config.workflows.parent)
    words = faults_of_terms(terms.WORDS.glob("*.csv"), terms.WORDS.parents[2])
    known = None if words else terms.terms()
    crossed = workflows.cross_check(procedures, lambda key: library.outline(key, UNREADABLE), known)
    counted, uncounted = calendars.load(config.calendars, config.calendars.parent)
    decide, unruled = bodies.load(config.workflows / bodies.FOLDER, config.workflows.parent)
    faults = [*faults, *more, *words, *crossed, *uncounted, *unruled]
    if faults:
        raise FaultyDefinitions(sorted(faults))
    online = Online.of(config, config.var / "authorities")
    return Catalogue(procedures, library, counted, _trust(config), online, decide)


def _trust(config: Config) -> TrustStore:
    """Return the shipped authorities and the configured anchors, with the revocation lists beside the latter.

    The demo trusts the NCA's test authorities and its own sandbox too; production never does.
    """
    anchors, between, lists = list(config.anchors), [], list(config.anchors)
    if config.is_demo:
        sandbox = SandboxPki.open(config.var / "sandbox", environment=config.env)
        anchors.append(sandbox.anchors)
        between.append(sandbox.intermediates)
        lists.append(sandbox.lists)
    own = trust.read_store(anchors, intermediates=between, lists=lists, environment=config.env)
    return own.joined(trust.shipped(config.env))
