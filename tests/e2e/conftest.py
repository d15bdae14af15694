"""What the tests of the page share: a person who visits it."""

from collections.abc import Generator

import pytest
from playwright.sync_api import Browser

from tests.e2e.visitor import Visitor, visiting
from tests.services.quill import Quill


@pytest.fixture
def visitor(chromium: Browser, quill: Quill) -> Generator[Visitor]:
    """Give a first-time visitor at a desktop."""
    with visiting(chromium, quill.address) as visitor:
        yield visitor
