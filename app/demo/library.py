"""The demo's normative base (real titles, invented texts) and insiders (invented people)."""

from __future__ import annotations

import csv
from datetime import UTC, date, datetime
from pathlib import Path

from app import db
from app.library import clauses
from app.library.models import Insider, Norm, NormClause, NormEdition

NORMS = Path(__file__).with_name("norms.csv")
"""Kind, title in kk, ru and en, number and date where known.  Source: user manual, paragraph 10; the laws it names."""


def _rules(*, kk: str, ru: str, en: str) -> dict[str, str]:
    """Return an edition of the rules of listing that asks for statements of so many years."""
    return {
        "kk": f"""Көрсетілім мәтіні: Ережелердің өз мәтіні емес.
1. Жалпы ережелер
1.1. Бастамашы өтінішті is2in жүйесі арқылы береді.
4. Эмитентке қойылатын талаптар
4.1. Эмитенттің меншікті капиталы белгіленген мөлшерден кем болмауы керек.
4.3. Эмитент аудиторлық есептермен расталған {kk} жылдық қаржылық есептілікті ұсынады.""",
        "ru": f"""Текст для демонстрации: это не текст Правил.
1. Общие положения
1.1. Инициатор подает заявление через систему is2in.
4. Требования к эмитенту
4.1. Собственный капитал эмитента не может быть меньше установленного размера.
4.3. Эмитент представляет финансовую отчетность за {ru} года, подтвержденную аудиторскими отчетами.""",
        "en": f"""Text of the demonstration: not the text of the Rules.
1. General
1.1. The initiator files the application through is2in.
4. Requirements for the issuer
4.1. The issuer's own capital may not be less than the amount set.
4.3. The issuer submits financial statements of {en} years confirmed by auditor's reports.""",
    }


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


NOTE = "Демо"
"""Stands on every edition: what it says was written for the demonstration and is no law."""

TEXTS: tuple[tuple[str, date, dict[str, str]], ...] = (
    (
        "securities_market_law",
        date(2003, 7, 4),
        {
            "kk": """Көрсетілім мәтіні: заңның өз мәтіні емес.
56-1-бап. Инсайдерлік ақпаратты пайдалануды шектеу
3. Қор биржасы:
4) инсайдерлік ақпаратқа қол жеткізе алатын қызметкерлердің тізімін жүргізеді.
84-бап. Бағалы қағаздарды листингке енгізу
1. Бағалы қағаздар қор биржасының ішкі құжаттарына сәйкес листингке енгізіледі.""",
            "ru": """Текст для демонстрации: это не текст закона.
Статья 56-1. Ограничение использования инсайдерской информации
3. Фондовая биржа:
4) ведет список работников, обладающих доступом к инсайдерской информации.
Статья 84. Включение ценных бумаг в листинг
1. Ценные бумаги включаются в листинг в соответствии с внутренними документами фондовой биржи.""",
            "en": """Text of the demonstration: not the text of the law.
Article 56-1. Limits on the use of insider information
3. The stock exchange:
4) keeps a list of employees with access to insider information.
Article 84. Admission of securities to listing
1. Securities are admitted to listing under the internal documents of the stock exchange.""",
        },
    ),
    ("listing_rules", date(2024, 1, 1), _rules(kk="екі", ru="два", en="two")),
    ("listing_rules", date(2026, 7, 1), _rules(kk="үш", ru="три", en="three")),
)
"""Invented texts of some acts, by act and the day from which they hold."""


def load() -> None:
    """Add both, in the caller's transaction."""
    acts: dict[str, Norm] = {}
    with NORMS.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            titles = {f"title_{language}": row[language] for language in ("kk", "ru", "en")}
            acts[row["key"]] = Norm(key=row["key"], kind=row["kind"], reference=row["reference"], **titles)
    db.session.add_all(acts.values())
    for key, starts_on, texts in TEXTS:
        entered = datetime(starts_on.year, starts_on.month, starts_on.day, tzinfo=UTC)
        edition = NormEdition(norm=acts[key], starts_on=starts_on, note=NOTE, added_at=entered)
        edition.clauses = [
            NormClause(
                language=language,
                place=place,
                anchor=clause.anchor,
                number=clause.number,
                words=clause.words,
                folded=clauses.fold(clause.words),
            )
            for language, text in texts.items()
            for place, clause in enumerate(clauses.split(text))
        ]
        db.session.add(edition)
    for name, kk, ru, en, since, until in INSIDERS:
        db.session.add(Insider(name=name, position_kk=kk, position_ru=ru, position_en=en, since=since, until=until))
