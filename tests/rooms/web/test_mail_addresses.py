"""Which texts are taken as mail addresses, wherever one is typed."""

from __future__ import annotations

import pytest

from app.web.inputs import is_address


@pytest.mark.parametrize(
    "text", ["issuer@altn.example", "a.b+c@x-y.kz", "O'Neil@exchange.example", "x@xn--80ak6aa92e.kz", "1@2.kz"]
)
def test_an_address_is_taken(text):
    assert is_address(text)


@pytest.mark.parametrize(
    "text",
    [
        "", "a", "a@b", "@b.kz", "a@", "a@b..kz", "a@.kz", ".a@b.kz", "a.@b.kz", "a..b@c.kz", "a,b@c.kz", "<x>@c.kz",
        'a"b@c.kz', "a b@c.kz", "a\x01b@c.kz", "a@b.kz\n", "a@b.kz\u202e", "ә@b.kz", "a@-b.kz", '=?x?b?@".?=',
        "=?x?b?@a.kz", ".:@ә.[", '.@[."', ":@;.\\", "a" * 250 + "@b.kz",
    ],
)  # fmt: skip
def test_what_no_server_would_take_is_refused(text):
    assert not is_address(text)
