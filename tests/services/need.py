"""The rule for what a test needs and this machine lacks: a laptop skips with a word, CI fails."""

import os
from typing import NoReturn

import pytest


def missing(what: str, cure: str) -> NoReturn:
    """Skip the test, or fail it where CI is set; cure says how the missing thing is had."""
    text = f"{what} is missing: {cure}"
    if os.environ.get("CI"):
        pytest.fail(text, pytrace=False)
    pytest.skip(text)
