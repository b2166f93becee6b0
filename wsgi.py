"""The door for the web server and the ``flask`` command: ``wsgi:app``."""

from app.config import BadConfiguration
from app.definition_files import FaultyDefinitions
from app.factory import create_app

try:
    app = create_app()
except (BadConfiguration, FaultyDefinitions) as refusal:
    raise SystemExit(f"kezen does not start:\n{refusal}") from None
