"""Form definitions, answers and edits of definitions, put together by chance from a seed."""

from __future__ import annotations

from random import Random
from typing import Any

from app.forms.parts import Field, Section
from app.forms.simple import Form

WORDS = {"kk": "Өріс", "ru": "Поле", "en": "Field"}
LETTERS = "абвәғқңөұүһі АБӘ «»№-,.;'\"<&> xyz0123456789"

SIMPLE: dict[str, Any] = {
    "text": "Сөз",
    "long_text": "Сөз",
    "multilingual": {"kk": "а", "ru": "б", "en": "c"},
    "number": "5",
    "percent": "5",
    "money": "5",
    "date": "01.02.2026",
    "duration": {"amount": "5", "unit": "days"},
    "choice": "one",
    "yes_no": "yes",
    "bin": "240640000109",
    "isin": "KZ1C00001619",
    "phone": "+7 (727) 237 53 24",
    "email": "a@kase.kz",
    "address": {"region": "71", "locality": "Астана", "street": "а"},
    "person": {"family_name": "А", "given_name": "Б"},
    "bank_details": {"bank": "А", "bic": "KZKOKZKX", "iban": "KZ86125KZT5004100100"},
    "rating": {"agency": "other", "scale": "national", "grade": "A", "date": "01.02.2026"},
    "file": "a.pdf",
}


class Chance:
    """Makes definitions and answers; the same seed makes the same."""

    def __init__(self, seed: int, *, stray: bool = True) -> None:
        self.random = Random(seed)
        self.stray = stray  # choices that are no longer options
        self.number = 0

    def form(self, *, conditions: bool = True) -> Form:
        """Return a form of one to nine fields, groups three deep among them."""
        return self.as_form(self.fields(self.random.randint(1, 9), conditions=conditions))

    def as_form(self, fields: list[dict[str, Any]]) -> Form:
        """Return a form of raw fields."""
        section = Section.model_validate({"key": "main", "title": WORDS, "fields": fields})
        return Form("random", 1, section.title, (section,), False, "")

    def fields(self, count: int, depth: int = 1, *, conditions: bool = True) -> list[dict[str, Any]]:
        """Return raw fields; some are shown under the condition of a yes-no field before them."""
        made: list[dict[str, Any]] = []
        for _ in range(count):
            asked = self.field(depth, conditions=conditions)
            switches = [each["key"] for each in made if each["type"] == "yes_no"]
            if conditions and switches and self.random.random() < 0.3:
                asked["show_if"] = self.random.choice(["", "not "]) + self.random.choice(switches)
            made.append(asked)
        return made

    def field(self, depth: int = 1, *, conditions: bool = True) -> dict[str, Any]:
        """Return a raw field."""
        self.number += 1
        asked: dict[str, Any] = {"key": f"f{self.number}", "label": WORDS}
        if depth <= 3 and self.random.random() < 0.25:
            inner = self.fields(self.random.randint(1, 4), depth + 1, conditions=conditions)
            return {**asked, "type": "group", "fields": inner}
        kind = self.random.choice(sorted(SIMPLE))
        return {**asked, **self.of_type(kind)}

    def of_type(self, kind: str) -> dict[str, Any]:
        """Return what a raw field of a type needs."""
        asked: dict[str, Any] = {"type": kind, "example": SIMPLE[kind]}
        if self.random.random() < 0.3:
            asked["required"] = True
        if kind == "choice":
            asked["options"] = dict.fromkeys(["one", *self.random.sample(["two", "three", "four"], 2)], WORDS)
        if kind == "money":
            asked["currency"] = self.random.choice(["KZT", "USD", "EUR"])
        if kind == "multilingual" and self.random.random() < 0.3:
            asked["languages"] = ["kk", "ru"]
            asked["example"] = {"kk": "а", "ru": "б"}
        return asked

    def words(self) -> str:
        """Return words, with signs of several kinds among them."""
        return "".join(self.random.choices(LETTERS, k=self.random.randint(1, 12)))

    def answers(self, fields: tuple[Field, ...], depth: int = 1) -> dict[str, Any]:
        """Return canonical values of a draft: some empty, some that no check would pass."""
        values = {}
        for asked in fields:
            if self.random.random() < 0.2:
                continue
            value = self.entries(asked, depth) if asked.fields is not None else self.answer(asked)
            if value is not None:
                values[asked.key] = value
        return values

    def entries(self, asked: Field, depth: int) -> dict[str, Any]:
        """Return the value of a group."""
        last = self.random.randint(0, 3)
        ids = self.random.sample(range(1, last + 1), self.random.randint(0, last))
        entries = [{"id": f"e{each}", "values": self.answers(asked.fields or (), depth + 1)} for each in ids]
        return {"entries": entries, "last": last}

    def answer(self, asked: Field) -> Any:
        """Return a canonical value of one field, None when none came of what was typed."""
        if asked.type == "file":
            number = self.random.randint(1, 99)
            return [{"id": number, "name": f"{number}.pdf", "size": 5, "sha256": f"{number:064x}"}]
        typed: Any = {part: self.typed(asked.subfields.get(part, asked)) for part in asked.parts} or self.typed(asked)
        return asked.kind.parse(typed, asked)

    def typed(self, asked: Field) -> str:
        """Return what somebody might type into one input."""
        kind = "text" if asked.parts else asked.type
        chance = self.random
        if kind in ("number", "percent", "money"):
            decimals = chance.choice(["", ",5", ".25"]) if asked.decimals is None else ""
            return f"{chance.randint(0, 10**6)}{decimals}"
        if kind == "date":
            return f"{chance.randint(1, 28):02}.{chance.randint(1, 12):02}.{chance.randint(1950, 2090)}"
        if kind == "choice":
            return chance.choice([*(asked.options or {}), *(["gone"] if self.stray else [])])
        if kind == "yes_no":
            return chance.choice(["yes", "no"])
        return self.words()

    def edited(self, fields: list[dict[str, Any]], depth: int = 1) -> list[dict[str, Any]]:
        """Return raw fields after one edit of a definition."""
        made = [dict(asked) for asked in fields]
        groups = [asked for asked in made if asked["type"] == "group"]
        if groups and self.random.random() < 0.4:
            group = self.random.choice(groups)
            group["fields"] = self.edited(group["fields"], depth + 1) or [self.field(4)]
            return made
        return self.random.choice(_EDITS)(self, made, depth) or [self.field(4)]

    def _removed(self, made: list[dict[str, Any]], depth: int) -> list[dict[str, Any]]:
        gone = self.random.choice(made)["key"] if made else ""
        return _without_lost_conditions([asked for asked in made if asked["key"] != gone])

    def _added(self, made: list[dict[str, Any]], depth: int) -> list[dict[str, Any]]:
        made.insert(self.random.randint(0, len(made)), self.field(depth))
        return made

    def _retyped(self, made: list[dict[str, Any]], depth: int) -> list[dict[str, Any]]:
        place = self.random.randrange(len(made))
        kept = {name: made[place][name] for name in ("key", "label")}
        made[place] = {**self.field(depth, conditions=False), **kept}
        return _without_lost_conditions(made)

    def _other_options(self, made: list[dict[str, Any]], depth: int) -> list[dict[str, Any]]:
        kept = ("key", "label", "show_if")
        return [
            {**{name: asked[name] for name in kept if name in asked}, **self.of_type(asked["type"])}
            if asked["type"] in SIMPLE
            else asked
            for asked in made
        ]

    def _stricter(self, made: list[dict[str, Any]], depth: int) -> list[dict[str, Any]]:
        for asked in made:
            if asked["type"] in ("text", "long_text"):
                asked["max_length"] = 3
            if asked["type"] == "number":
                asked.update(max="10", decimals=0)
            if asked["type"] == "group":
                asked["max_entries"] = 1
        return made

    def _shuffled(self, made: list[dict[str, Any]], depth: int) -> list[dict[str, Any]]:
        self.random.shuffle(made)
        return made

    def _hidden(self, made: list[dict[str, Any]], depth: int) -> list[dict[str, Any]]:
        return [*made, {**self.field(depth), "show_if": "2 > 3"}]

    def _fewer_parts(self, made: list[dict[str, Any]], depth: int) -> list[dict[str, Any]]:
        for asked in made:
            if asked["type"] == "person":
                asked.update(ask_for=["given_name"], example={"given_name": "А"})
            if asked["type"] == "duration":
                asked.update(units=["years"], example={"amount": "1", "unit": "years"})
        return made


_EDITS = [
    Chance._removed,
    Chance._added,
    Chance._retyped,
    Chance._other_options,
    Chance._stricter,
    Chance._shuffled,
    Chance._hidden,
    Chance._fewer_parts,
]


def _without_lost_conditions(made: list[dict[str, Any]]) -> list[dict[str, Any]]:
    switches = {asked["key"] for asked in made if asked["type"] == "yes_no"}
    for asked in made:
        condition = asked.get("show_if", "").removeprefix("not ")
        if condition and condition not in switches and ">" not in condition:
            del asked["show_if"]
    return made


def raw_fields(form: Form) -> list[dict[str, Any]]:
    """Return the fields of a form as its file has them."""
    return [asked.model_dump(mode="json", by_alias=True, exclude_defaults=True) for asked in form.fields]
