"""The agreement: what is sent is what arrives, and nothing else gets through."""

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.contract import (
    LATEST_MS,
    MAX_JOBS,
    MAX_PICTURES,
    PICTURE_BYTES,
    ContractError,
    Job,
    from_message,
    new_id,
    to_message,
)

pictures = st.lists(st.binary(min_size=PICTURE_BYTES, max_size=PICTURE_BYTES), min_size=1, max_size=3).map(tuple)
jobs = st.builds(Job, st.uuids(version=4).map(str), pictures, st.integers(0, LATEST_MS - 1))
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["version", "jobs", "id", "ink", "x"]), inner),
)


def a_message(**changes: Any) -> dict[str, Any]:
    message = to_message([Job(new_id(), (bytes(PICTURE_BYTES),), 1)])
    message["jobs"][0] |= changes
    return message


@given(st.lists(jobs, min_size=1, max_size=3))
def test_what_is_sent_is_what_arrives(sent: list[Job]) -> None:
    assert from_message(json.loads(json.dumps(to_message(sent)))) == sent


@given(anything)
def test_a_strangers_message_is_refused_and_nothing_worse(message: object) -> None:
    with pytest.raises(ContractError):
        from_message(message)


@given(st.fixed_dictionaries({}, optional=dict.fromkeys(("id", "accepted_ms", "ink"), anything)))
def test_a_strangers_job_is_a_job_or_refused(changes: dict[str, Any]) -> None:
    with contextlib.suppress(ContractError):
        assert from_message(a_message(**changes))


@pytest.mark.parametrize(
    "changes",
    [
        {"id": "../../etc/passwd"},
        {"id": "EEC542E0-75C1-4D01-9D80-2FA5C069DFC5"},
        {"accepted_ms": True},
        {"accepted_ms": -1},
        {"accepted_ms": LATEST_MS},
        {"accepted_ms": 1.5},
        {"ink": ""},
        {"ink": "AAAA"},
        {"ink": "no base64!"},
        {"ink": None},
    ],
)
def test_a_job_that_breaks_the_agreement_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ContractError):
        from_message(a_message(**changes))


def test_the_sizes_are_bounded() -> None:
    picture = bytes(PICTURE_BYTES)
    largest = [Job(new_id(), (picture,) * MAX_PICTURES, 1)] * MAX_JOBS
    assert from_message(to_message(largest)) == largest
    with pytest.raises(ContractError):
        Job(new_id(), (picture,) * (MAX_PICTURES + 1), 1)
    with pytest.raises(ContractError):
        to_message([Job(new_id(), (picture,), 1)] * (MAX_JOBS + 1))
    with pytest.raises(ContractError):
        from_message({"version": 1, "jobs": a_message()["jobs"] * (MAX_JOBS + 1)})


@pytest.mark.parametrize("version", [0, 2, None])
def test_a_message_of_another_version_is_refused(version: int | None) -> None:
    with pytest.raises(ContractError, match="version"):
        from_message(a_message() | {"version": version})
