"""What the end-to-end tests share: a person who visits the page, and how a terminal starts programs."""

import signal
from collections.abc import Callable, Generator, Iterator

import pytest
from playwright.sync_api import Browser

from tests.e2e.visitor import Visitor, visiting
from tests.services.quill import Quill


@pytest.fixture
def visitor(chromium: Browser, quill: Quill) -> Generator[Visitor]:
    """Give a first-time visitor at a desktop."""
    with visiting(chromium, quill.address) as visitor:
        yield visitor


@pytest.fixture
def unanswered(chromium: Browser, new_quill: Callable[..., Quill]) -> Generator[Visitor]:
    """Give such a visitor of a Quill that has no worker."""
    quill = new_quill()
    quill.start_web()
    with visiting(chromium, quill.address) as visitor:
        yield visitor


@pytest.fixture
def terminal() -> Iterator[None]:
    """Let Ctrl-C and a hang-up end the processes that the test starts, even where nohup or a script's `&` runs it."""
    answers = {signal.SIGINT: signal.default_int_handler, signal.SIGHUP: signal.SIG_DFL}
    before = {number: signal.signal(number, answer) for number, answer in answers.items()}
    yield
    for number, answer in before.items():
        signal.signal(number, answer)
