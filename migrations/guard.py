"""Tables whose rows are only added: the database itself refuses to change or delete one."""

from __future__ import annotations

from alembic import op

FUNCTION = """
CREATE OR REPLACE FUNCTION kezen_only_added() RETURNS trigger AS $$
BEGIN RAISE EXCEPTION '% rows are only added', TG_TABLE_NAME; END
$$ LANGUAGE plpgsql
"""


def only_added(*tables: str) -> None:
    """Refuse UPDATE, DELETE and TRUNCATE on ``tables`` from now on."""
    is_postgresql = op.get_bind().dialect.name == "postgresql"
    if is_postgresql:
        op.execute(FUNCTION)
    for table in tables:
        if is_postgresql:
            op.execute(
                f"CREATE TRIGGER {table}_only_added BEFORE UPDATE OR DELETE ON {table}"
                " FOR EACH ROW EXECUTE FUNCTION kezen_only_added()"
            )
            op.execute(
                f"CREATE TRIGGER {table}_not_emptied BEFORE TRUNCATE ON {table}"
                " FOR EACH STATEMENT EXECUTE FUNCTION kezen_only_added()"
            )
            continue
        for verb in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table}"
                f" BEGIN SELECT RAISE(ABORT, '{table} rows are only added'); END"
            )


def no_longer_guarded(*tables: str) -> None:
    """Take the refusal back, so that the table can be dropped."""
    is_postgresql = op.get_bind().dialect.name == "postgresql"
    for table in tables:
        if is_postgresql:
            op.execute(f"DROP TRIGGER {table}_only_added ON {table}")
            op.execute(f"DROP TRIGGER {table}_not_emptied ON {table}")
            continue
        for verb in ("update", "delete"):
            op.execute(f"DROP TRIGGER {table}_no_{verb}")


def forget() -> None:
    """Take back what ``only_added`` leaves when no table is guarded any more."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION kezen_only_added()")
