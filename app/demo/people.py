"""Who lives in the demo: invented organisations and people, with numbers that pass their checks."""

from __future__ import annotations

from dataclasses import dataclass

PASSWORD = "Qazaq#2026"  # noqa: S105 - known to everybody, and refused in production
"""The password of every account of the demo."""


@dataclass(frozen=True)
class Company:
    """An invented organisation."""

    code: str
    bin: str
    kind: str
    kk: str
    ru: str
    en: str
    is_financial: bool = False


@dataclass(frozen=True)
class Person:
    """An invented person; ``company`` is the code of an organisation, or empty for the Exchange."""

    key: str
    last_name: str
    first_name: str
    patronymic: str
    position: str
    iin: str
    company: str = ""
    roles: tuple[str, ...] = ()
    is_admin: bool = False
    is_first_head: bool = False
    language: str = ""

    @property
    def email(self) -> str:
        """The address with which the person signs in."""
        return f"{self.key.replace('_', '.')}@{self.company.lower() or 'exchange'}.example"


COMPANIES = (
    Company("ALTN", "050340001235", "initiator", "«Алтындән» АҚ", "АО «Алтындән»", "Altyndan JSC"),
    Company("BRKT", "040240002347", "initiator", "«Берекет Банкі» АҚ", "АО «Берекет Банк»", "Bereket Bank JSC", True),
    Company("SNIM", "060540003459", "adviser", "«Сенім Инвест» АҚ", "АО «Сенім Инвест»", "Senim Invest JSC", True),
    Company("JLGZ", "070640004561", "adviser", "«Жалғыз Брокер» ЖШС", "ТОО «Жалғыз Брокер»", "Jalgyz Broker LLP", True),
    Company("ADIL", "080740005674", "audit_org", "«Әділ Аудит» ЖШС", "ТОО «Әділ Аудит»", "Adil Audit LLP"),
    Company(
        "BOLA", "090840006787", "candidate", "«Болашақ Капитал» АҚ", "АО «Болашақ Капитал»", "Bolashaq Capital JSC"
    ),
)

PEOPLE = (
    Person("issuer", "Ахметова", "Айгүл", "Серікқызы", "Листинг маманы", "850412400012", "ALTN", is_admin=True),
    Person("clerk", "Жұмабеков", "Ерлан", "Қайратұлы", "Заңгер", "900523300021", "ALTN"),
    Person(
        "first_head", "Нұрланов", "Дәурен", "Маратұлы", "Басқарма төрағасы", "760118300039", "ALTN", is_first_head=True
    ),
    Person("adviser", "Сапарова", "Гүлнәр", "Болатқызы", "Қаржы кеңесшісі", "880930400044", "SNIM", is_admin=True),
    Person("lone_adviser", "Тілеубаев", "Мұрат", "", "Директор", "820707300054", "JLGZ", is_admin=True),
    Person("auditor", "Оспанова", "Ләззат", "Ерболқызы", "Аудитор", "790215400068", "ADIL", is_admin=True),
    Person(
        "auditor_head",
        "Сейдахметов",
        "Арыстан",
        "Жомартұлы",
        "Бас директор",
        "720903300188",
        "ADIL",
        is_first_head=True,
    ),
    Person("candidate", "Қасымов", "Бекзат", "Талғатұлы", "Директор", "830611300074", "BOLA", is_admin=True),
    Person(
        "candidate_head",
        "Төребекова",
        "Алма",
        "Ғалымқызы",
        "Басқарма төрайымы",
        "770416400196",
        "BOLA",
        is_first_head=True,
    ),
    Person(
        "other_issuer", "Исаева", "Динара", "Асқарқызы", "Корпоративтік хатшы", "870319400080", "BRKT", is_admin=True
    ),
    Person(
        "other_first_head",
        "Әлиев",
        "Тимур",
        "Рашитұлы",
        "Басқарма төрағасы",
        "740825300099",
        "BRKT",
        is_first_head=True,
    ),
    Person("chancery", "Кәрімова", "Сәуле", "Нұрқызы", "Кеңсе қызметкері", "910102400102", roles=("chancery",)),
    Person(
        "listing", "Ермеков", "Арман", "Жанатұлы", "Листинг бөлімінің қызметкері", "860414300118", roles=("listing",)
    ),
    Person(
        "officer", "Жақсыбеков", "Нұрлан", "Әділұлы", "Листинг бөлімінің қызметкері", "930211300209", roles=("listing",)
    ),
    Person("lawyer", "Дүйсенова", "Әсел", "Мұхтарқызы", "Заңгер", "890506400123", roles=("lawyer",)),
    Person("analyst", "Төлегенов", "Санжар", "Бауыржанұлы", "Қаржы талдаушысы", "920717300139", roles=("analyst",)),
    Person(
        "listing_head",
        "Рахимова",
        "Жанар",
        "Сәкенқызы",
        "Листинг бөлімінің басшысы",
        "780309400146",
        roles=("listing_head",),
    ),
    Person(
        "secretary",
        "Мұсаева",
        "Мәдина",
        "Оразқызы",
        "Листингілік комиссияның хатшысы",
        "850928400157",
        roles=("secretary",),
    ),
    Person(
        "compliance", "Бекенов", "Нұржан", "Серғазыұлы", "Комплаенс-бақылаушы", "800613300169", roles=("compliance",)
    ),
    Person("admin", "Садықов", "Олжас", "Ермекұлы", "Жүйе әкімшісі", "840211300170", roles=("admin",)),
    Person("second_admin", "Байжанова", "Камила", "Дарханқызы", "Жүйе әкімшісі", "880527400211", roles=("admin",)),
)
