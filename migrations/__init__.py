"""Migrations, numbered and reversible."""
