"""The door for the web server and the ``flask`` command: ``wsgi:app``.

A start that is refused ends with 64, wrong usage: 1 and 2 are verdicts of ``flask verify``.
"""

import sys

from app.config import BadConfiguration
from app.definition_files import FaultyDefinitions
from app.factory import create_app, settle

try:
    app = create_app()
except (BadConfiguration, FaultyDefinitions) as refusal:
    print(f"kezen does not start:\n{refusal}", file=sys.stderr)
    raise SystemExit(64) from None

settle()
