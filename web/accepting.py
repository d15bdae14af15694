"""Accepts drawings, and waits for their answers as long as their client would like to."""

import re
from collections.abc import Mapping, Sequence
from concurrent.futures import Future

from flask import Response, request

from shared.contract import Job, Prediction, new_id
from web.parts import parts
from web.waiting import Outcomes, gathered

LONGEST_WAIT_S = 30.0
WAIT = re.compile(r"(?:^|,)\s*wait\s*=\s*(\"?)(?P<seconds>\d{1,9})\1\s*(?:$|[,;])", re.IGNORECASE)


def preferred_wait_s() -> float:
    """Return the seconds of `Prefer: wait=SECONDS` (RFC 7240), 0 without."""
    wait = WAIT.search(request.headers.get("Prefer", ""))
    return min(float(wait["seconds"]), LONGEST_WAIT_S) if wait else 0.0


def note_preference(response: Response, wait_s: float, *, was_enough: bool) -> None:
    """Add what RFC 7240 asks for: that the answer depends on `Prefer`, and that the wait was granted where it was."""
    response.headers["Vary"] = "Prefer"
    if wait_s and was_enough:
        response.headers["Preference-Applied"] = f"wait={wait_s:.0f}"


def accept_drawing(png: bytes, wait_s: float, *, holds_place: bool = False) -> Prediction:
    """Accept the drawing; return its prediction: finished if that took no longer than wait_s, else queued.

    Args:
        png: the drawing.
        wait_s: how long to wait; without a place among those who wait, not at all.
        holds_place: whether whoever calls has that place already.

    Raises:
        BadImageError: when the bytes are no drawing.
        StoreUnavailableError: nothing was promised.
    """
    job_id = new_id()
    with parts().waiting.expecting(job_id) as outcomes:
        accepted = parts().intake.accept_read(job_id, parts().read([png]))
        return _answered([job_id], accepted, outcomes, wait_s, holds_place=holds_place)[0]


def accept(jobs: Sequence[Job], wait_s: float) -> list[Prediction]:
    """Accept the jobs, all or none; return their predictions: those finished within wait_s, the others queued.

    Raises:
        StoreUnavailableError: nothing was promised.
    """
    ids = [job.id for job in jobs]
    with parts().waiting.expecting(*ids) as outcomes:
        return _answered(ids, parts().intake.accept(jobs), outcomes, wait_s)


def _answered(
    ids: Sequence[str],
    accepted: "Future[list[Job]]",
    outcomes: Outcomes,
    wait_s: float,
    *,
    holds_place: bool = False,
) -> list[Prediction]:
    """Return the predictions of the jobs once they are accepted, with the answers that came within wait_s.

    Whoever waits is woken once, for the answer, and not for the acceptance before it: each time a thread is woken it
    waits for the interpreter, too.
    """
    became: Mapping[str, Prediction | None] = {}
    if wait_s:
        accepted.add_done_callback(lambda future: outcomes.put(dict.fromkeys(ids)) if future.exception() else None)
        gather = gathered if holds_place else parts().waiting.wait
        became = gather(ids, outcomes, wait_s, are_kept=accepted.done)
    return [became.get(job.id) or Prediction(job.id, job.pictures, job.accepted_ms) for job in accepted.result()]
