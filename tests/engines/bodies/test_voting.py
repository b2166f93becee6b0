"""Quorum, majority, conflicts of interest and the casting vote: a table of cases; and the files of the bodies."""

from __future__ import annotations

from datetime import date
from fractions import Fraction

import pytest

from app.bodies.definitions import load
from app.bodies.voting import Base, Choice, Result, Rule, Seat, Share, tally
from app.config import ROOT
from app.errors import NotFound

HALF, TWO_THIRDS = Fraction(1, 2), Fraction(2, 3)
OF_PRESENT = Rule(Share(HALF, False, Base.MEMBERS), Share(HALF, True, Base.PRESENT), True)
OF_CAST = Rule(Share(HALF, True, Base.MEMBERS), Share(HALF, True, Base.CAST), False)
OF_MEMBERS = Rule(Share(TWO_THIRDS, False, Base.ENTITLED), Share(TWO_THIRDS, False, Base.MEMBERS), False)

CHOICES = {"+": Choice.FOR, "-": Choice.AGAINST, "0": Choice.ABSTAINED}


def seats(signs: str) -> list[Seat]:
    """Read a body: the first is the chair; + - 0 are votes, ? none yet, a absent, x a conflict of interest."""
    return [Seat(number, number == 0, sign != "a", sign == "x", CHOICES.get(sign)) for number, sign in enumerate(signs)]


@pytest.mark.parametrize(
    ("rule", "signs", "result", "by_casting_vote"),
    [
        (OF_PRESENT, "+++--", Result.ADOPTED, False),
        (OF_PRESENT, "++---", Result.NOT_ADOPTED, False),
        (OF_PRESENT, "++a", Result.ADOPTED, False),
        (OF_PRESENT, "+aa", Result.NO_QUORUM, False),  # one of three is less than half
        (OF_PRESENT, "+-aa", Result.ADOPTED, True),  # equal: the chair's side
        (OF_PRESENT, "-+aa", Result.NOT_ADOPTED, True),
        (OF_PRESENT, "0+-", Result.NOT_ADOPTED, False),  # equal, and the chair abstains
        (OF_PRESENT, "+-0", Result.ADOPTED, True),  # his vote makes two of three
        (OF_PRESENT, "+-000", Result.NOT_ADOPTED, True),  # and does not, of five
        (OF_PRESENT, "a+-", Result.NOT_ADOPTED, False),  # equal, and the chair is not there
        (OF_PRESENT, "++0--", Result.ADOPTED, True),
        (OF_PRESENT, "000", Result.NOT_ADOPTED, False),
        (OF_PRESENT, "++?", Result.INCOMPLETE, False),
        (OF_PRESENT, "+?aa", Result.INCOMPLETE, False),
        (OF_PRESENT, "+xxaa", Result.NO_QUORUM, False),  # those with a conflict do not make up the quorum
        (OF_PRESENT, "++xxa", Result.NO_QUORUM, False),
        (OF_PRESENT, "++-xa", Result.ADOPTED, False),  # and do not vote: two of three
        (OF_PRESENT, "x+-a", Result.NOT_ADOPTED, False),  # nor has a chair with a conflict the casting vote
        (OF_CAST, "+000a", Result.ADOPTED, False),  # one vote for, none against
        (OF_CAST, "+-000", Result.NOT_ADOPTED, False),  # no casting vote
        (OF_CAST, "000aa", Result.NOT_ADOPTED, False),
        (OF_CAST, "++aa", Result.NO_QUORUM, False),  # exactly half is not more than half
        (OF_MEMBERS, "++++--", Result.ADOPTED, False),
        (OF_MEMBERS, "++++aa", Result.ADOPTED, False),
        (OF_MEMBERS, "+++-aa", Result.NOT_ADOPTED, False),
        (OF_MEMBERS, "+++xxx", Result.NOT_ADOPTED, False),  # the quorum is of those entitled, the majority of all
        (OF_MEMBERS, "xxx", Result.NO_QUORUM, False),
        (OF_PRESENT, "", Result.NO_QUORUM, False),
    ],
)
def test_votes_amount_to_a_result(rule, signs, result, by_casting_vote):
    found = tally(rule, seats(signs))

    assert (found.result, found.by_casting_vote) == (result, by_casting_vote)
    assert found.members == len(signs)
    assert found.present == sum(1 for sign in signs if sign not in "ax")


@pytest.mark.parametrize(
    ("share", "whole", "needed"),
    [
        (Share(HALF, True, Base.MEMBERS), 4, 3),
        (Share(HALF, True, Base.MEMBERS), 5, 3),
        (Share(HALF, False, Base.MEMBERS), 4, 2),
        (Share(HALF, False, Base.MEMBERS), 5, 3),
        (Share(TWO_THIRDS, False, Base.MEMBERS), 6, 4),
        (Share(TWO_THIRDS, True, Base.MEMBERS), 6, 5),
        (Share(Fraction(1), False, Base.MEMBERS), 7, 7),
        (Share(HALF, False, Base.CAST), 0, 1),
    ],
)
def test_a_share_needs_so_many(share, whole, needed):
    assert share.needed(whole) == needed


def test_the_shipped_bodies_have_rules_from_their_day_on():
    library, faults = load(ROOT / "workflows" / "_bodies", ROOT)

    assert faults == []
    assert set(library.bodies) == {"listing_commission", "management_board", "board_of_directors", "audit_committee"}
    body = library.get("listing_commission")
    assert body.demo_data
    assert body.rule(date(2024, 1, 1)).quorum == Share(HALF, False, Base.MEMBERS)
    with pytest.raises(NotFound):
        body.rule(date(2023, 12, 31))
    with pytest.raises(NotFound):
        library.get("nosuch")


GOOD = (ROOT / "workflows" / "_bodies" / "listing_commission.v1.yaml").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("name", "old", "new", "key", "problem"),
    [
        (
            "listing_commission.v1.yaml",
            "at least 1/2",
            "at least 3/2",
            "rules.0.quorum.share",
            "'at least 3/2' is no share",
        ),
        ("listing_commission.v1.yaml", '"2024-01-01"', '"2024-13-01"', "rules.0.since", "'2024-13-01' is no date"),
        ("listing_commission.v1.yaml", "of: present", "of: nobody", "rules.0.majority.of", ""),
        ("listing_commission.v1.yaml", "body: listing", "body: other", "body", "'other_commission' is not what"),
        ("listing_commission.yaml", "", "", "", "the file name is not"),
    ],
)
def test_a_fault_of_a_file_is_told_where_it_stands(tmp_path, name, old, new, key, problem):
    (tmp_path / name).write_text(GOOD.replace(old, new, 1) if old else GOOD, encoding="utf-8")

    library, [fault] = load(tmp_path, tmp_path)

    assert not library.bodies
    assert fault.key == key
    assert fault.problem.startswith(problem)


def test_rules_follow_each_other_and_the_later_ones_hold_from_their_day(tmp_path):
    later = GOOD + GOOD[GOOD.index("  - since") :].replace("2024", "2026").replace("at least 1/2", "at least 2/3")
    (tmp_path / "listing_commission.v1.yaml").write_text(later, encoding="utf-8")
    library, faults = load(tmp_path, tmp_path)

    assert faults == []
    body = library.get("listing_commission")
    assert [body.rule(date(year, 6, 1)).quorum.part for year in (2025, 2026)] == [HALF, TWO_THIRDS]

    (tmp_path / "listing_commission.v1.yaml").write_text(later.replace("2026", "2020"), encoding="utf-8")
    _, [fault] = load(tmp_path, tmp_path)
    assert fault.key == "rules.1.since"
