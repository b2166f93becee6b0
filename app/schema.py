"""The database's shape: migrations run by Alembic, and whether they have been."""

from __future__ import annotations

from alembic import command
from alembic.config import Config as AlembicConfig
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, Engine

from app.config import ROOT


def _alembic(engine: Engine) -> AlembicConfig:
    config = AlembicConfig()
    config.set_main_option("script_location", str(ROOT / "migrations"))
    config.attributes["engine"] = engine
    return config


def upgrade(engine: Engine, revision: str = "head") -> None:
    """Bring the database to ``revision``, creating it from empty if need be."""
    command.upgrade(_alembic(engine), revision)


def downgrade(engine: Engine, revision: str) -> None:
    """Take the database back to ``revision`` (``base``: nothing of ours is left)."""
    command.downgrade(_alembic(engine), revision)


def is_current(engine: Engine) -> bool:
    """Tell whether every migration has been applied."""
    heads = set(ScriptDirectory.from_config(_alembic(engine)).get_heads())
    with engine.connect() as connection:
        return set(MigrationContext.configure(connection).get_current_heads()) == heads


def revision(connection: Connection) -> str | None:
    """Return the migration that the database stands at, None before the first."""
    return MigrationContext.configure(connection).get_current_revision()


def knows(engine: Engine, revision: str) -> bool:
    """Tell whether a migration is one of this program's."""
    try:
        return ScriptDirectory.from_config(_alembic(engine)).get_revision(revision) is not None
    except CommandError:
        return False
