"""All targets, by name; each is made when it is asked for."""

from __future__ import annotations

from collections.abc import Callable

from tests.fuzz import credentials, markup, messages, sums, words
from tests.fuzz.target import Target

TARGETS: dict[str, Callable[[], Target]] = {
    "cms": messages.messages,
    "armour": messages.armour,
    "certificates": credentials.of_certificates,
    "crl": credentials.of_lists,
    "ocsp": words.of_answers,
    "timestamps": words.of_timestamps,
    "xml": markup.documents,
    "algorithms": sums.of_algorithms,
}
