"""A secretary who holds meetings of the Listing Commission of the demo."""

from __future__ import annotations

from datetime import datetime

import pytest
from commission import Secretary
from houses import House


@pytest.fixture
def secretary(house: House, now: datetime) -> Secretary:
    """The secretary of the Listing Commission."""
    return Secretary(now)
