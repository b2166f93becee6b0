"""The one blueprint of the screens of messages."""

from __future__ import annotations

from flask import Blueprint

blueprint = Blueprint("notifications", __name__)
