"""Regions of Kazakhstan as the classifier of administrative and territorial objects (KATO) codes them.

Data, kept with the day from which it holds: a new edition is a new table beside this one, so that
what was answered under the old one stays readable.
Source: KATO; the regions of Abay, Zhetisu and Ulytau since 8 June 2022 (Decree No. 887 of 3 May 2022).
"""

from __future__ import annotations

EFFECTIVE = "2022-06-08"
"""The day from which ``REGIONS`` holds."""

REGIONS: dict[str, tuple[str, str, str]] = {
    "10": ("Абай облысы", "Область Абай", "Abay Region"),
    "11": ("Ақмола облысы", "Акмолинская область", "Akmola Region"),
    "15": ("Ақтөбе облысы", "Актюбинская область", "Aktobe Region"),
    "19": ("Алматы облысы", "Алматинская область", "Almaty Region"),
    "23": ("Атырау облысы", "Атырауская область", "Atyrau Region"),
    "27": ("Батыс Қазақстан облысы", "Западно-Казахстанская область", "West Kazakhstan Region"),
    "31": ("Жамбыл облысы", "Жамбылская область", "Zhambyl Region"),
    "33": ("Жетісу облысы", "Область Жетісу", "Zhetisu Region"),
    "35": ("Қарағанды облысы", "Карагандинская область", "Karaganda Region"),
    "39": ("Қостанай облысы", "Костанайская область", "Kostanay Region"),
    "43": ("Қызылорда облысы", "Кызылординская область", "Kyzylorda Region"),
    "47": ("Маңғыстау облысы", "Мангистауская область", "Mangystau Region"),
    "55": ("Павлодар облысы", "Павлодарская область", "Pavlodar Region"),
    "59": ("Солтүстік Қазақстан облысы", "Северо-Казахстанская область", "North Kazakhstan Region"),
    "61": ("Түркістан облысы", "Туркестанская область", "Turkistan Region"),
    "62": ("Ұлытау облысы", "Область Ұлытау", "Ulytau Region"),
    "63": ("Шығыс Қазақстан облысы", "Восточно-Казахстанская область", "East Kazakhstan Region"),
    "71": ("Астана қаласы", "город Астана", "City of Astana"),
    "75": ("Алматы қаласы", "город Алматы", "City of Almaty"),
    "79": ("Шымкент қаласы", "город Шымкент", "City of Shymkent"),
}
"""The first two digits of a KATO code -> its region in kk, ru, en."""

ABROAD = "abroad"
"""Stands for a region where an address is not in Kazakhstan."""
