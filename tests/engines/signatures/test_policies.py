"""Certificate policies: our graph against the tree of RFC 5280 written out word for word."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from app.signatures import asn1, policies
from app.signatures.asn1 import Malformed, tlv
from app.signatures.policies import ANY, PolicyDemand, Statements

# --- the RFC's tree, section 6.1.2 to 6.1.5 ---------------------------------------------------------


@dataclass(eq=False)
class Node:
    valid: str
    expected: set[str]
    parent: Node | None = None
    children: list[Node] = field(default_factory=list)

    def grow(self, valid: str, expected: set[str]) -> None:
        self.children.append(Node(valid, expected, self))

    def drop(self) -> None:
        if self.parent is not None:
            self.parent.children.remove(self)


def _at(root: Node, depth: int) -> list[Node]:
    level = [root]
    for _ in range(depth):
        level = [child for node in level for child in node.children]
    return level


def _prune(root: Node, depth: int) -> Node | None:
    for above in range(depth - 1, -1, -1):
        for node in _at(root, above):
            if not node.children:
                if node is root:
                    return None
                node.drop()
    return root


def by_the_rfc(chain, anchor: Statements, demand: PolicyDemand) -> bool:
    count = len(chain)
    explicit = 0 if demand.explicit else count + 1
    any_left = 0 if demand.inhibit_any else count + 1
    mapping = 0 if demand.inhibit_mapping else count + 1
    explicit = explicit if anchor.require_explicit is None else min(explicit, anchor.require_explicit)
    any_left = any_left if anchor.inhibit_any is None else min(any_left, anchor.inhibit_any)
    mapping = mapping if anchor.inhibit_mapping is None else min(mapping, anchor.inhibit_mapping)
    root: Node | None = Node(ANY, {ANY})
    for depth, (stated, self_issued) in enumerate(chain, start=1):
        if stated.policies is None:
            root = None
        if root is not None and stated.policies is not None:
            above = _at(root, depth - 1)
            for policy in stated.policies - {ANY}:
                fitting = [node for node in above if policy in node.expected]
                for node in fitting:
                    node.grow(policy, {policy})
                if not fitting:
                    for node in above:
                        if node.valid == ANY:
                            node.grow(policy, {policy})
            if ANY in stated.policies and (any_left > 0 or (depth < count and self_issued)):
                for node in above:
                    for policy in node.expected - {child.valid for child in node.children}:
                        node.grow(policy, {policy})
            root = _prune(root, depth)
        if explicit == 0 and root is None:
            return False
        if depth == count:
            break
        if any(ANY in pair for pair in stated.mappings):
            return False
        for source in {source for source, _ in stated.mappings}:
            targets = {target for one, target in stated.mappings if one == source}
            if root is None:
                break
            here = _at(root, depth)
            if mapping > 0:
                mapped = [node for node in here if node.valid == source]
                for node in mapped:
                    node.expected = set(targets)
                if not mapped:
                    for node in _at(root, depth - 1):
                        if node.valid == ANY and any(child.valid == ANY for child in node.children):
                            node.grow(source, set(targets))
            else:
                for node in here:
                    if node.valid == source:
                        node.drop()
                root = _prune(root, depth)
        if not self_issued:
            explicit, mapping, any_left = (max(left - 1, 0) for left in (explicit, mapping, any_left))
        explicit = explicit if stated.require_explicit is None else min(explicit, stated.require_explicit)
        mapping = mapping if stated.inhibit_mapping is None else min(mapping, stated.inhibit_mapping)
        any_left = any_left if stated.inhibit_any is None else min(any_left, stated.inhibit_any)
    explicit = max(explicit - 1, 0)
    if chain[-1][0].require_explicit == 0:
        explicit = 0
    if root is not None and ANY not in demand.accepted:
        for depth in range(1, count + 1):
            for node in _at(root, depth):
                if node.parent.valid == ANY and node.valid != ANY and node.valid not in demand.accepted:
                    node.drop()
        if any(node.valid == ANY for node in _at(root, count)) and not demand.accepted:
            for node in _at(root, count):
                if node.valid == ANY:
                    node.drop()
        root = _prune(root, count)
    return explicit > 0 or root is not None


OIDS = st.sampled_from(["1.1", "1.2", "1.3", ANY])
COUNTS = st.one_of(st.none(), st.integers(0, 3))
STATEMENTS = st.builds(
    Statements,
    policies=st.one_of(st.none(), st.frozensets(OIDS, min_size=1)),
    mappings=st.lists(st.tuples(st.sampled_from(["1.1", "1.2", "1.3"]), OIDS.filter(lambda oid: oid != ANY))).map(
        tuple
    ),
    require_explicit=COUNTS,
    inhibit_mapping=COUNTS,
    inhibit_any=COUNTS,
)
DEMANDS = st.builds(
    PolicyDemand,
    accepted=st.frozensets(OIDS),
    explicit=st.booleans(),
    inhibit_mapping=st.booleans(),
    inhibit_any=st.booleans(),
)
CHAINS = st.lists(st.tuples(STATEMENTS, st.booleans()), min_size=1, max_size=4)


@settings(max_examples=1500, deadline=None)
@given(chain=CHAINS, anchor=STATEMENTS, demand=DEMANDS)
@example(
    chain=[(Statements(frozenset({"1.1"}), (("1.1", "1.2"),)), False), (Statements(frozenset({"1.2"})), False)],
    anchor=Statements(),
    demand=PolicyDemand(frozenset({"1.1"}), explicit=True),
)
def test_the_graph_answers_as_the_tree_of_the_rfc(chain, anchor, demand):
    assert policies.are_met(chain, anchor=anchor, demand=demand) is by_the_rfc(chain, anchor, demand)


def test_a_path_made_to_double_with_every_certificate_costs_no_more_for_that():
    """CVE-2023-0464: each policy mapped to all the others, certificate after certificate."""
    names = [f"1.{number}" for number in range(30)]
    doubling = Statements(frozenset(names), tuple((one, other) for one in names for other in names), require_explicit=0)
    start = time.process_time()

    met = policies.are_met([(doubling, False)] * 8, demand=PolicyDemand(frozenset({"9.9"}), explicit=True))

    assert met is False
    assert time.process_time() - start < 5  # a fraction of it on an idle machine


# --- reading ----------------------------------------------------------------------------------------

SEQUENCE, OID, INTEGER = asn1.SEQUENCE, asn1.OID, asn1.INTEGER


def _oids(*dotted: str) -> bytes:
    return b"".join(map(asn1.oid, dotted))


def test_the_four_extensions_are_read():
    stated = policies.read(
        tlv(SEQUENCE, tlv(SEQUENCE, _oids("1.2.398.3.3.2"), tlv(SEQUENCE)), tlv(SEQUENCE, _oids(ANY))),
        tlv(SEQUENCE, tlv(SEQUENCE, _oids("1.2.3", "1.2.4"))),
        tlv(SEQUENCE, tlv(0x80, b"\0"), tlv(0x81, b"\2")),
        tlv(INTEGER, b"\1"),
    )

    assert stated == Statements(frozenset({"1.2.398.3.3.2", ANY}), (("1.2.3", "1.2.4"),), 0, 2, 1)


@pytest.mark.parametrize(
    "values",
    [
        (tlv(INTEGER, b"\1"), None, None, None),
        (tlv(SEQUENCE, tlv(SEQUENCE)), None, None, None),
        (tlv(SEQUENCE, tlv(SEQUENCE, tlv(INTEGER, b"\1"))), None, None, None),
        (tlv(SEQUENCE, tlv(SEQUENCE, tlv(OID, b"\x80\1"))), None, None, None),
        (tlv(SEQUENCE, tlv(SEQUENCE, tlv(OID, b"\x2a" + b"\xff" * 30 + b"\1"))), None, None, None),
        (None, tlv(SEQUENCE, tlv(SEQUENCE, _oids("1.2.3"))), None, None),
        (None, None, tlv(SEQUENCE, tlv(0x80, b"\xff")), None),
        (None, None, tlv(SEQUENCE, tlv(0x80, b"")), None),
        (None, None, tlv(SEQUENCE, tlv(0x80, b"\0"), tlv(0x80, b"\0")), None),
        (None, None, tlv(SEQUENCE, tlv(0x82, b"\0")), None),
        (None, None, None, tlv(INTEGER, b"\xff")),
        (None, None, None, b""),
    ],
)
def test_an_extension_that_is_none_is_malformed(values):
    with pytest.raises(Malformed):
        policies.read(*values)
