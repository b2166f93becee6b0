"""The demo's normative base (real titles) and insiders (invented people)."""

from __future__ import annotations

import csv
from datetime import date
from pathlib import Path

from app import db
from app.library.models import Insider, Norm

NORMS = Path(__file__).with_name("norms.csv")
"""Kind, title in kk, ru and en, number and date where known.  Source: user manual, paragraph 10; the laws it names."""

INSIDERS = (
    (
        "Рахимова Жанар Сәкенқызы",
        "Листинг бөлімінің басшысы",
        "Начальник отдела листинга",
        "Head of the listing department",
        date(2024, 3, 1),
        None,
    ),
    (
        "Ермеков Арман Жанатұлы",
        "Листинг бөлімінің қызметкері",
        "Сотрудник отдела листинга",
        "Listing officer",
        date(2025, 1, 15),
        None,
    ),
    ("Дүйсенова Әсел Мұхтарқызы", "Заңгер", "Юрист", "Lawyer", date(2025, 6, 2), None),
    (
        "Сүлейменов Қанат Айдарұлы",
        "Қаржы талдаушысы",
        "Финансовый аналитик",
        "Financial analyst",
        date(2023, 9, 1),
        date(2026, 2, 27),
    ),
)


def load() -> None:
    """Add both, in the caller's transaction."""
    with NORMS.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            titles = {f"title_{language}": row[language] for language in ("kk", "ru", "en")}
            db.session.add(Norm(kind=row["kind"], reference=row["reference"], **titles))
    for name, kk, ru, en, since, until in INSIDERS:
        db.session.add(Insider(name=name, position_kk=kk, position_ru=ru, position_en=en, since=since, until=until))
