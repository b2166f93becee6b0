"""Password policies as data: the manual's, the modern one, and what a faulty file is told."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from factories import PASSWORD, company, user

from app.accounts import operations, passwords, policy
from app.config import BadConfiguration
from app.definition_files import FaultyDefinitions
from app.errors import Invalid

POLICIES = policy.load().passwords


def keys(password: str, name: str, **person: object) -> list[str]:
    """Return the last words of the faults of a password."""
    found = policy.faults(password, policy=POLICIES[name], **person)
    return [problem.key.rsplit(".", 1)[1] for problem in found]


@pytest.fixture
def in_force(house, monkeypatch):
    """Return a function that lets a policy or figures hold for this test."""

    def hold(name: str = "manual", **figures: object) -> None:
        extensions = house.app.extensions
        monkeypatch.setitem(extensions, "kezen.config", replace(house.config, passwords=name))
        rules = extensions[policy._RULES]
        monkeypatch.setitem(extensions, policy._RULES, rules.model_copy(update=figures))

    return hold


@pytest.mark.req("ESRV-41.1", "ESRV-41.2")
@pytest.mark.parametrize(
    ("password", "faults"),
    [
        ("Aa1!jurek", []),
        ("Aa1!marat", ["person"]),  # the login
        ("Aa1!MARAT", ["person"]),
        ("1!Оспа-ха", ["person"]),  # three signs of the surname, in other cases
        ("1!Ғалы-ха", ["person"]),  # of the first name
        ("1!Ос-Ғаба", []),  # two in a row are no part
    ],
)
def test_no_password_tells_whose_it_is(password, faults):
    assert keys(password, "manual", login="marat@altn.example", names=("Оспанов", "Ғалым")) == faults


def test_the_end_of_a_patronymic_is_nobodys_name(house):
    who = user(company("ALTN"), patronymic="Қайратұлы", last_name="Жұмабеков", first_name="Ерлан")

    assert passwords.faults_of(who, "Ұлы1дала!") == []


@pytest.mark.parametrize(
    ("password", "faults"),
    [
        ("dala jel soqsa bult qozgaladi", []),
        ("таудағы бұлақ тұнық", []),
        ("Short-1x", ["short"]),
        ("x" * 129, ["long", "common"]),
        ("aaaaaaaaaaaaaaaa", ["common"]),
        ("password12345678", ["common"]),
        ("Qwerty-Qwerty-2026", ["common"]),
        ("КазахстанАлматы2026", ["common"]),
        ("kase is2in kase is2in", ["common"]),
        ("1234567890123456", ["common"]),
    ],
)
def test_the_modern_policy_asks_for_length_and_refuses_what_is_common(password, faults):
    assert keys(password, "modern") == faults


@pytest.mark.req("ESRV-41.0")
def test_the_policy_in_force_is_told_before_anything_is_typed_and_judges(in_force, browser, house):
    in_force("modern")
    someone = browser("clerk")

    page = someone.get("/profile")
    told = {line.get("data-rule") for line in page.root.iter("li")} - {None}
    refused = someone.send(
        page,
        "/profile/password",
        current_password="Qazaq#2026",
        new_password="Qyzyl+8gul",
        repeat_password="Qyzyl+8gul",
    )

    assert told == {"length", "person", "common"}
    assert page.one(data_rule="length").get("data-shortest") == "15"
    assert refused.error("new_password")


def test_under_the_modern_policy_no_password_runs_out(in_force, now):
    in_force("modern")
    who = user(company("ALTN"), password_changed_at=now - timedelta(days=4000))

    assert not who.must_renew_password(now)
    assert who.password_ends is None


@pytest.mark.req("IS2IN-8.2.h")
def test_a_password_runs_out_at_the_second_and_not_before(house, now):
    who = user(company("ALTN"), password_changed_at=now)
    end = now + timedelta(days=60)

    assert not who.must_renew_password(end - timedelta(seconds=1))
    assert who.must_renew_password(end)


def test_the_last_three_passwords_are_not_taken_again_and_the_fourth_is(house, now):
    who = user(company("ALTN"))
    current = PASSWORD
    for number in range(1, 5):
        new = f"Qyzyl+{number}gul"
        passwords.change(who, current=current, new=new, repeated=new, now=now)
        current = new

    for number in (1, 2, 3):
        old = f"Qyzyl+{number}gul"
        with pytest.raises(Invalid) as refusal:
            passwords.change(who, current=current, new=old, repeated=old, now=now)
        assert [problem.key for problem in refusal.value.problems] == ["password.err.former"]
    passwords.change(who, current=current, new=PASSWORD, repeated=PASSWORD, now=now)


def test_a_password_kept_with_other_figures_is_hashed_anew_at_the_next_sign_in(in_force, now):
    who = user(company("ALTN"))
    before = who.password_hash
    operations.sign_in(who.email, PASSWORD, now=now)
    assert who.password_hash == before

    in_force(hashing=policy.Hashing(time_cost=3, memory_kib=19456, parallelism=1))
    operations.sign_in(who.email, PASSWORD, now=now)

    assert who.password_hash != before
    assert "t=3" in who.password_hash
    assert operations.sign_in(who.email, PASSWORD, now=now) is who


def test_a_policy_that_there_is_not_stops_the_start(house):
    app = house.app
    settings = replace(house.config, passwords="lenient")

    class Standing:
        extensions = {**app.extensions, "kezen.config": settings}

    with pytest.raises(BadConfiguration, match="manual, modern"):
        policy.register(Standing)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ("    shortest: 8\n", "    shortest: 7\n", "passwords.manual.shortest"),
        ("    longest: 128\n", "    longest: 14\n", "passwords.modern.longest"),
        ("  failures: 5", "  failurs: 5", "lockout.failurs"),
        ("  memory_kib: 19456", "  memory_kib: 1", "hashing.memory_kib"),
    ],
)
def test_a_faulty_file_is_refused_with_its_line(tmp_path, old, new, key):
    text = policy.SHIPPED.read_text(encoding="utf-8")
    assert old in text
    path = tmp_path / "rules.yaml"
    path.write_text(text.replace(old, new), encoding="utf-8")

    with pytest.raises(FaultyDefinitions) as refusal:
        policy.load(path)

    assert key in [fault.key for fault in refusal.value.faults]
    assert all(fault.line for fault in refusal.value.faults)
