"""Certificate policies along a path (RFC 5280, 4.2.1.4, 4.2.1.5, 4.2.1.11, 4.2.1.14 and section 6.1).

The RFC's policy tree can double with every certificate (CVE-2023-0464).  Its nodes of one depth
and one policy are therefore kept as one: a graph whose size is that of the extensions.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from app.signatures import asn1
from app.signatures.asn1 import Element, Malformed
from app.signatures.extensions import MOST_ELEMENTS

ANY = "2.5.29.32.0"


@dataclass(frozen=True)
class Statements:
    """What a certificate says of policies; ``policies`` is None when it names none.

    The three numbers are counts of certificates after which a rule holds, None: never.
    """

    policies: frozenset[str] | None = None
    mappings: tuple[tuple[str, str], ...] = ()
    require_explicit: int | None = None
    inhibit_mapping: int | None = None
    inhibit_any: int | None = None


@dataclass(frozen=True)
class PolicyDemand:
    """What the verifier asks of policies: the inputs c, e, f and g of RFC 5280, 6.1.1.

    ``accepted`` counts only where a path must have a policy, because ``explicit`` or one of its
    certificates says so.
    """

    accepted: frozenset[str] = frozenset({ANY})
    explicit: bool = False
    inhibit_mapping: bool = False
    inhibit_any: bool = False


NO_DEMAND = PolicyDemand()


# --- reading --------------------------------------------------------------------------------------


def read(
    policies: bytes | None, mappings: bytes | None, constraints: bytes | None, inhibit_any: bytes | None
) -> Statements:
    """Return the statements of the four extensions, each given by its value or None.

    Raises:
        Malformed: one of them does not follow its syntax.
    """
    explicit, mapping = _policy_constraints(constraints)
    return Statements(
        policies=None if policies is None else frozenset(map(_policy, _sequence(policies))),
        mappings=() if mappings is None else tuple(map(_mapping, _sequence(mappings))),
        require_explicit=explicit,
        inhibit_mapping=mapping,
        inhibit_any=None if inhibit_any is None else _count(_parsed(inhibit_any), asn1.INTEGER),
    )


def _parsed(value: bytes) -> Element:
    return asn1.parse(value, elements=MOST_ELEMENTS)


def _sequence(value: bytes) -> Sequence[Element]:
    element = _parsed(value)
    if element.tag != asn1.SEQUENCE:
        raise Malformed(detail="policies")
    return element.children


def _policy(information: Element) -> str:
    if information.tag != asn1.SEQUENCE or not information.children:
        raise Malformed(detail="policy")
    return asn1.dotted(information.children[0])


def _mapping(pair: Element) -> tuple[str, str]:
    if pair.tag != asn1.SEQUENCE or len(pair.children) != 2:
        raise Malformed(detail="policy mapping")
    return asn1.dotted(pair.children[0]), asn1.dotted(pair.children[1])


def _policy_constraints(value: bytes | None) -> tuple[int | None, int | None]:
    found: dict[int, int] = {}
    for part in () if value is None else _sequence(value):
        if part.tag not in (0x80, 0x81) or part.tag in found:
            raise Malformed(detail="policy constraints")
        found[part.tag] = _count(part, part.tag)
    return found.get(0x80), found.get(0x81)


def _count(number: Element, tag: int) -> int:
    count = int.from_bytes(number.content, "big", signed=True)
    if number.tag != tag or not number.content or count < 0:
        raise Malformed(detail="count of certificates")
    return count


# --- judging --------------------------------------------------------------------------------------


@dataclass
class _Depth:
    """The nodes of one depth: each policy with the policies of the depth above that it stems from.

    ``ANY`` among these says that it stems from anyPolicy.  ``has_any``: anyPolicy itself is a node.
    """

    nodes: dict[str, set[str]] = field(default_factory=dict)
    has_any: bool = False

    @property
    def is_empty(self) -> bool:
        return not self.nodes and not self.has_any


def are_met(
    chain: Sequence[tuple[Statements, bool]], *, anchor: Statements = Statements(), demand: PolicyDemand = NO_DEMAND
) -> bool:
    """Whether a path's policies are valid and satisfy the demand.

    ``chain`` runs from the certificate that the anchor issued down to the last one, each with
    whether it is self-issued.  Constraints of the anchor's own certificate are observed (RFC 5937).
    """
    never = len(chain) + 1
    explicit = _least(0 if demand.explicit else never, anchor.require_explicit)
    mapping = _least(0 if demand.inhibit_mapping else never, anchor.inhibit_mapping)
    any_left = _least(0 if demand.inhibit_any else never, anchor.inhibit_any)
    expected = _Depth(has_any=True)
    depths: list[_Depth] = []
    for position, (stated, is_self_issued) in enumerate(chain):
        is_last = position == len(chain) - 1
        depth = _intersect(expected, stated.policies, may_be_any=any_left > 0 or (is_self_issued and not is_last))
        depths.append(depth)
        if explicit == 0 and depth.is_empty:
            return False
        if is_last:
            break
        if any(ANY in pair for pair in stated.mappings):
            return False
        expected = _mapped(depth, stated.mappings, is_allowed=mapping > 0)
        if not is_self_issued:
            explicit, mapping, any_left = (max(count - 1, 0) for count in (explicit, mapping, any_left))
        explicit = _least(explicit, stated.require_explicit)
        mapping = _least(mapping, stated.inhibit_mapping)
        any_left = _least(any_left, stated.inhibit_any)
    if chain and (explicit <= 1 or chain[-1][0].require_explicit == 0):
        return _is_accepted(depths, demand.accepted)
    return True


def _least(count: int, other: int | None) -> int:
    return count if other is None else min(count, other)


def _intersect(expected: _Depth, policies: frozenset[str] | None, *, may_be_any: bool) -> _Depth:
    """Return the nodes that a certificate's policies leave of those expected (6.1.3 d and e)."""
    if policies is None:
        return _Depth()
    is_any = ANY in policies and may_be_any
    nodes = {policy: above for policy, above in expected.nodes.items() if is_any or policy in policies}
    if expected.has_any:
        for policy in policies - {ANY}:
            nodes.setdefault(policy, {ANY})
    return _Depth(nodes, expected.has_any and is_any)


def _mapped(depth: _Depth, mappings: Iterable[tuple[str, str]], *, is_allowed: bool) -> _Depth:
    """Return what the next certificate is expected to say (6.1.4 b)."""
    expected = _Depth(has_any=depth.has_any)
    sources = {source for source, _ in mappings}
    if not is_allowed:
        for source in sources & set(depth.nodes):
            del depth.nodes[source]
    else:
        for source, target in mappings:
            if depth.has_any:
                depth.nodes.setdefault(source, {ANY})
            if source in depth.nodes:
                expected.nodes.setdefault(target, set()).add(source)
    for policy in depth.nodes:
        if policy not in sources:
            expected.nodes.setdefault(policy, set()).add(policy)
    return expected


def _is_accepted(depths: Sequence[_Depth], accepted: frozenset[str]) -> bool:
    """Whether something is left of the tree within the accepted policies (6.1.5 g)."""
    last = depths[-1]
    if ANY in accepted:
        return not last.is_empty
    if last.has_any and accepted:
        return True
    reached = set(last.nodes)
    for depth in reversed(depths):
        above: set[str] = set()
        for policy in reached:
            if ANY in depth.nodes[policy] and policy in accepted:
                return True
            above |= depth.nodes[policy] - {ANY}
        reached = above
    return False
