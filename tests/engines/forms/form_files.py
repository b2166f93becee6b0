"""Small form files to copy and spoil."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

WORDS = '{kk: "Өріс", ru: "Поле", en: "Field"}'

FORM = f"""\
form: issuer
version: 1
title: {WORDS}
sections:
  - key: main
    title: {WORDS}
    fields:
      - {{key: name, type: multilingual, required: true, label: {WORDS}, example: {{kk: А, ru: Б, en: C}}}}
      - {{key: bin, type: bin, required: true, label: {WORDS}, example: "240640000109"}}
      - {{key: count, type: number, min: "1", label: {WORDS}, example: "12 000"}}
      - {{key: market_maker, type: yes_no, label: {WORDS}, example: "no"}}
      - {{key: charter, type: file, accept: [pdf], label: {WORDS}, example: charter.pdf}}
"""

LEAF = f"""\
form: premium
version: 1
title: {WORDS}
sections:
  - key: main
    title: {WORDS}
    fields:
      - {{key: free_float, type: percent, required: true, label: {WORDS}, example: "12,5"}}
"""

CRITERIA = f"""\
form: listing
version: 1
title: {WORDS}
add_label: {WORDS}
entry_label: {WORDS}
min_entries: 1
levels:
  - key: platform
    label: {WORDS}
    options:
      main: {{kk: "Негізгі", ru: "Основная", en: "Main"}}
      mixed: {{kk: "Аралас", ru: "Смешанная", en: "Mixed"}}
  - key: sector
    label: {WORDS}
    options:
      shares: {{kk: "Акциялар", ru: "Акции", en: "Shares"}}
      bonds: {{kk: "Облигациялар", ru: "Облигации", en: "Bonds"}}
  - key: category
    label: {WORDS}
    options:
      premium: {{kk: "Премиум", ru: "Премиум", en: "Premium"}}
      rated: {{kk: "Рейтингі бар", ru: "С рейтингом", en: "Rated", under: [main/bonds]}}
keys:
  - {{key: isin, type: isin, required: true, label: {WORDS}, example: KZ1C00001619}}
"""

Write = Callable[[dict[str, str]], Path]
