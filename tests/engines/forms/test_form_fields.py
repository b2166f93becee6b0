"""Every type of field: what is accepted, what is kept, what is shown, what is refused and how."""

from __future__ import annotations

import unicodedata
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.forms import identifiers
from app.forms.fields import FIELD_TYPES, FieldError
from app.forms.parts import Field
from app.terms import LANGUAGES, say

WORDS = {"kk": "Өріс", "ru": "Поле", "en": "Field"}


def asked(kind: str, **options: Any) -> Field:
    return Field.model_construct(key="f", type=kind, label=WORDS, **options)


CFI_CODES = ("ESVUFR", "EPNNFR", "DBFUFR", "DBVUFR", "DBZUFR", "DYFXXR", "CEOGES", "CEOIEU", "CIOGEU", "EDSXXR")


def keep(field: Field, raw: Any) -> Any:
    value = field.kind.parse(raw, field)
    if value is not None:
        field.kind.check(value, field)
    return value


def refusal(field: Field, raw: Any) -> str:
    with pytest.raises(FieldError) as caught:
        keep(field, raw)
    for language in LANGUAGES:
        assert say(caught.value.key, language, **caught.value.params)
    return caught.value.key


@pytest.mark.parametrize(
    ("kind", "raw", "kept", "shown"),
    [
        ("text", "  «Көктерек» АҚ \n", "«Көктерек» АҚ", "«Көктерек» АҚ"),
        ("text", unicodedata.normalize("NFD", "Йод"), "Йод", "Йод"),
        ("long_text", "бір\r\nекі\rүш", "бір\nекі\nүш", "бір\nекі\nүш"),
        ("number", "1 234,5", "1234.5", "1\xa0234,5"),
        ("number", "1\xa0234\u202f567", "1234567", "1\xa0234\xa0567"),
        ("number", "−12,50", "-12.5", "-12,5"),
        ("number", "007", "7", "7"),
        ("number", "-0,0", "0", "0"),
        ("year", "2025", "2025", "2025"),
        ("year", " 2\u202f025 ", "2025", "2025"),
        ("year", "2025 ж.", "2025", "2025"),
        ("year", "2024 год", "2024", "2024"),
        ("percent", "12,5 %", "12.5", "12,5\xa0%"),
        ("percent", "100", "100", "100\xa0%"),
        ("money", "1 000 000", {"amount": "1000000.00", "currency": "KZT"}, "1\xa0000\xa0000,00\xa0KZT"),
        ("money", "0,5 ₸", {"amount": "0.50", "currency": "KZT"}, "0,50\xa0KZT"),
        ("money", "-7.25 KZT", {"amount": "-7.25", "currency": "KZT"}, "-7,25\xa0KZT"),
        ("date", "05.10.2026", "2026-10-05", "05.10.2026"),
        ("date", "5.1.2026", "2026-01-05", "05.01.2026"),
        ("date", "2024-02-29", "2024-02-29", "29.02.2024"),
        ("yes_no", "yes", True, "Yes"),
        ("yes_no", "no", False, "No"),
        ("bin", "931240000220", "931240000220", "931240000220"),
        ("bin", "9702 4000 0816", "970240000816", "970240000816"),
        ("bin", "970240000816", "970240000816", "970240000816"),
        ("bin", "240640000109", "240640000109", "240640000109"),
        ("bin", "240640000009", "240640000009", "240640000009"),
        ("iin", "061211600012", "061211600012", "061211600012"),
        ("isin", "kz1c00001619", "KZ1C00001619", "KZ1C00001619"),
        ("isin", " KZ1C 0000-0744\u200b", "KZ1C00000744", "KZ1C00000744"),
        ("isin", "KZ2C00013670", "KZ2C00013670", "KZ2C00013670"),
        ("isin", "KZ2P00010580", "KZ2P00010580", "KZ2P00010580"),
        ("isin", "KZ2D00012861", "KZ2D00012861", "KZ2D00012861"),
        ("isin", "KZMJ00002780", "KZMJ00002780", "KZMJ00002780"),
        ("isin", "KZ000A0LE0S4", "KZ000A0LE0S4", "KZ000A0LE0S4"),
        ("isin", "KZ0007786572", "KZ0007786572", "KZ0007786572"),
        ("lei", "213800KUD8LAJWSQ9D15", "213800KUD8LAJWSQ9D15", "213800KUD8LAJWSQ9D15"),
        ("iban", "KZ86 125K ZT50 0410 0100", "KZ86125KZT5004100100", "KZ86125KZT5004100100"),
        ("iban", "KZ60999KZT0000000001", "KZ60999KZT0000000001", "KZ60999KZT0000000001"),
        *[("cfi", code, code, code) for code in CFI_CODES],
        ("phone", "+7 (727) 237 53 24", "+77272375324", "+7 (727) 237 53 24"),
        ("phone", "8 727 237-53-24", "+77272375324", "+7 (727) 237 53 24"),
        ("phone", "7272375324", "+77272375324", "+7 (727) 237 53 24"),
        ("phone", "+44 20 7946 0018", "+442079460018", "+442079460018"),
        ("email", "Listing@KASE.KZ", "Listing@kase.kz", "Listing@kase.kz"),
        ("email", "first.last+tag@почта.қаз", "first.last+tag@почта.қаз", "first.last+tag@почта.қаз"),
    ],
)
def test_an_answer_is_kept_in_one_form_and_shown_in_one_way(kind: str, raw: str, kept: object, shown: str) -> None:
    field = asked(kind)

    value = keep(field, raw)

    assert value == kept
    assert field.text(value, "en") == shown
    assert keep(field, field.entry(value)) == value


@pytest.mark.parametrize(
    ("kind", "raw", "key"),
    [
        ("text", "a\x00b", "field.err.control"),
        ("text", "бір\nекі", "field.err.control"),
        ("text", "сома \u202e000 1", "field.err.control"),
        ("text", "а" * 501, "field.err.too_long"),
        ("long_text", "a\x07", "field.err.control"),
        ("number", "12 34", "field.err.number"),
        ("year", "25", "field.err.year"),
        ("year", "20250", "field.err.year"),
        ("year", "2025,5", "field.err.year"),
        ("year", "0999", "field.err.year"),
        ("year", "31.12.2025", "field.err.year"),
        ("year", "1899", "field.err.min"),
        ("year", "2101", "field.err.max"),
        ("number", "1,234.56", "field.err.number"),
        ("number", "1e5", "field.err.number"),
        ("number", "٣", "field.err.number"),
        ("number", "9" * 19, "field.err.digits"),
        ("number", "1,1234567", "field.err.decimals"),
        ("percent", "101", "field.err.max"),
        ("percent", "-1", "field.err.min"),
        ("money", "1,005", "field.err.decimals"),
        ("money", "100 USD", "field.err.number"),
        ("date", "29.02.2025", "field.err.no_such_day"),
        ("date", "2025/01/01", "err.date"),
        ("date", "01.01.1899", "field.err.date_min"),
        ("date", "01.01.2101", "field.err.date_max"),
        ("yes_no", "maybe", "field.err.yes_no"),
        ("bin", "123456789012", "field.err.bin_month"),
        ("bin", "000000000000", "field.err.bin_month"),
        ("bin", "061211600012", "field.err.bin_kind"),
        ("bin", "931340000220", "field.err.bin_month"),
        ("bin", "931240000221", "field.err.bin_check"),
        *[("bin", f"24064000006{digit}", "field.err.bin_check") for digit in range(10)],
        ("bin", "93124000022", "err.bin"),
        ("bin", "٩٣١٢٤٠٠٠٠٢٢٠", "err.bin"),
        ("iin", "931240000220", "field.err.iin_birth"),
        ("iin", "000000000000", "field.err.iin_birth"),
        ("iin", "061231600013", "field.err.iin_check"),
        ("iin", "06121160001", "field.err.iin"),
        ("isin", "KZ1C00001618", "err.isin"),
        ("isin", "KZ1C60260011", "err.isin"),
        ("isin", "KZ1P51460114", "err.isin"),
        ("isin", "KZ2C0Y15F392", "err.isin"),
        ("isin", "KZ1C0000161", "field.err.isin"),
        ("isin", "KZ1С00001619", "field.err.latin"),
        ("lei", "213800KUD8LAJWSQ9D16", "field.err.lei_check"),
        ("lei", "213800", "field.err.lei"),
        ("iban", "KZ86125KZT5004100101", "field.err.iban_check"),
        ("iban", "DE89370400440532013000", "field.err.iban"),
        ("cfi", "ELNUFQ", "field.err.cfi_letter"),
        ("cfi", "XXXXXX", "field.err.cfi_letter"),
        ("cfi", "ESVUF", "field.err.cfi"),
        ("phone", "237 53 24/27", "field.err.phone"),
        ("phone", "+7 727 237", "field.err.phone"),
        ("phone", "()", "field.err.phone"),
        ("email", "listing@kase", "field.err.email"),
        ("email", "a@b@kase.kz", "field.err.email"),
        ("email", "алия@kase.kz", "field.err.email"),
        ("email", f"{'a' * 65}@kase.kz", "field.err.email"),
    ],
)
def test_a_refusal_is_a_sentence_that_says_what_would_mend_it(kind: str, raw: str, key: str) -> None:
    assert refusal(asked(kind), raw) == key


@pytest.mark.parametrize("kind", sorted(FIELD_TYPES))
def test_nothing_typed_is_no_answer(kind: str) -> None:
    field = asked(kind)
    raw: object = dict.fromkeys(field.parts, " \n") if field.parts else " \n"

    assert field.kind.parse(raw, field) is None


@pytest.mark.parametrize("kind", sorted(FIELD_TYPES))
@pytest.mark.parametrize("value", [7, [], {}, [1], {"kk": 7}, {"amount": 5, "currency": "KZT"}, object()])
def test_a_value_of_a_wrong_shape_is_refused_and_never_a_crash(kind: str, value: object) -> None:
    field = asked(kind)

    assert field.kind.faults(value, field)


def test_a_limit_of_the_form_is_told_as_people_write_it() -> None:
    field = asked("number", min="1000", max="5000.5")

    with pytest.raises(FieldError) as low:
        keep(field, "999")
    with pytest.raises(FieldError) as high:
        keep(field, "5 001")

    assert say(low.value.key, "ru", **low.value.params) == "Значение должно быть не меньше 1\xa0000"
    assert say(high.value.key, "ru", **high.value.params) == "Значение должно быть не больше 5\xa0000,5"


def test_a_whole_number_has_no_decimals() -> None:
    assert refusal(asked("number", decimals=0), "1,5") == "field.err.whole"


def test_a_choice_is_one_of_its_options_and_shown_by_its_label() -> None:
    form_options = Field.model_validate(
        {"key": "f", "type": "choice", "label": WORDS, "options": {"main": WORDS}, "example": "main"}
    )

    assert keep(form_options, "main") == "main"
    assert form_options.text("main", "kk") == "Өріс"
    assert refusal(form_options, "other") == "field.err.choice"


def test_a_choice_from_the_room_is_shown_by_the_label_the_room_gives() -> None:
    field = asked("choice", source="partner_advisers", options=None)

    assert keep(field, "17") == "17"
    assert field.text("17", "kk", {"17": "Сейітова А., «Дала» АҚ"}) == "Сейітова А., «Дала» АҚ"
    assert field.text("17", "kk") == "17"


def test_words_in_several_languages_keep_each_and_show_the_readers() -> None:
    field = asked("multilingual")

    value = keep(field, {"kk": " Қоғам ", "ru": "Общество", "en": "Company"})

    assert value == {"kk": "Қоғам", "ru": "Общество", "en": "Company"}
    assert [field.text(value, language) for language in LANGUAGES] == ["Қоғам", "Общество", "Company"]
    assert field.text({"ru": "Общество"}, "kk") == "Общество"


def test_a_language_left_out_is_told_at_its_own_input() -> None:
    field = asked("multilingual")

    faults = field.kind.faults({"kk": "Қоғам"}, field)

    assert [(fault.key, fault.part) for fault in faults] == [
        ("field.err.language_missing", "ru"),
        ("field.err.language_missing", "en"),
    ]
    assert say(faults[0].key, "ru", **faults[0].params).endswith("русский язык")


def test_a_form_may_ask_for_two_languages_only() -> None:
    field = asked("multilingual", languages=("kk", "ru"), long=True)

    assert field.parts == ("kk", "ru")
    assert keep(field, {"kk": "бір\nекі", "ru": "один"}) == {"kk": "бір\nекі", "ru": "один"}


PDF = {"id": "1", "name": "Жарғы.PDF", "size": 10, "sha256": "0" * 64}


@pytest.mark.parametrize(
    ("files", "key"),
    [
        ([{**PDF, "name": "charter.exe"}], "err.file_type"),
        ([{**PDF, "name": "pdf"}], "err.file_type"),
        ([{**PDF, "size": 21 * 1024 * 1024}], "err.file_size"),
        ([{**PDF, "size": 0}], "field.err.file_empty"),
        ([PDF, PDF, PDF], "field.err.files"),
        ([{"name": "a.pdf"}], "err.format"),
        ("charter.pdf", "err.format"),
    ],
)
def test_a_file_of_a_wrong_kind_or_size_is_refused(files: Any, key: str) -> None:
    field = asked("file", accept=("pdf",), max_files=2)

    with pytest.raises(FieldError) as caught:
        field.kind.check(files, field)

    assert caught.value.key == key


def test_files_are_shown_by_their_names_and_never_typed() -> None:
    field = asked("file", accept=("pdf",), max_files=2)

    field.kind.check([PDF, {**PDF, "name": "b.pdf"}], field)

    assert field.text([PDF, {**PDF, "name": "b.pdf"}], "kk") == "Жарғы.PDF, b.pdf"
    assert field.kind.parse("charter.pdf", field) is None


@given(st.decimals(allow_nan=False, allow_infinity=False, places=6, min_value=-(10**17), max_value=10**17))
def test_a_number_shown_and_typed_again_is_the_same_number(number: Decimal) -> None:
    field = asked("number")
    value = field.kind.parse(f"{number:f}", field)

    assert field.kind.parse(field.text(value, "kk"), field) == value
    assert Decimal(value) == number
    field.kind.check(value, field)


@given(st.decimals(allow_nan=False, allow_infinity=False, places=2, min_value=-(10**15), max_value=10**15))
def test_an_amount_of_money_shown_and_typed_again_is_the_same_amount(amount: Decimal) -> None:
    field = asked("money")
    value = field.kind.parse(f"{amount:f}", field)

    assert field.kind.parse(field.text(value, "ru"), field) == value
    assert Decimal(value["amount"]) == amount
    field.kind.check(value, field)


@given(st.decimals(allow_nan=False, allow_infinity=False, places=4, min_value=0, max_value=100))
def test_a_percentage_shown_and_typed_again_is_the_same_percentage(share: Decimal) -> None:
    field = asked("percent")
    value = field.kind.parse(f"{share:f}", field)

    assert field.kind.parse(field.text(value, "en"), field) == value
    field.kind.check(value, field)


@given(st.dates(min_value=date(1900, 1, 1), max_value=date(2100, 12, 31)))
def test_a_day_shown_and_typed_again_is_the_same_day(day: date) -> None:
    field = asked("date")

    assert keep(field, field.text(day.isoformat(), "kk")) == day.isoformat()


@given(st.text())
def test_whatever_is_typed_is_refused_or_kept_so_that_it_can_be_typed_again(words: str) -> None:
    for kind in ("text", "long_text", "email", "phone", "isin", "bin", "iban"):
        field = asked(kind)
        try:
            value = field.kind.parse(words, field)
        except FieldError:
            continue
        if value is not None and not field.kind.faults(value, field):
            assert keep(field, field.entry(value)) == value


@given(st.from_regex(r"\A\+7[3-9][0-9]{9}\Z"))
def test_a_number_of_kazakhstan_shown_and_typed_again_is_the_same_number(number: str) -> None:
    field = asked("phone")

    assert keep(field, field.text(number, "kk")) == number
    assert keep(field, "8" + number[2:]) == number


@given(st.text("0123456789", min_size=11, max_size=11))
def test_at_most_one_control_digit_fits_a_number(body: str) -> None:
    digit = identifiers.control_digit(body)

    fitting = [last for last in range(10) if identifiers.control_digit_holds(f"{body}{last}")]

    assert fitting == ([] if digit is None else [digit])


@given(st.text("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ", min_size=9, max_size=9), st.data())
def test_one_wrong_digit_of_an_isin_never_passes(body: str, data: st.DataObject) -> None:
    good = next(f"KZ{body}{digit}" for digit in range(10) if identifiers.isin_check_holds(f"KZ{body}{digit}"))
    digits = [place for place, sign in enumerate(good) if sign.isdigit()]
    place = data.draw(st.sampled_from(digits))
    wrong = data.draw(st.sampled_from([digit for digit in "0123456789" if digit != good[place]]))

    assert not identifiers.isin_check_holds(f"{good[:place]}{wrong}{good[place + 1 :]}")
