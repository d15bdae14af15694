"""Idempotency-Key: a client that heard nothing asks again, and its drawing is still one prediction."""

import hashlib
from dataclasses import replace

from flask import Request

from shared.contract import Job
from shared.store import Store
from web.problems import Problem

HEADER = "Idempotency-Key"
LONGEST = 255  # characters of a key


def key_of(request: Request) -> str | None:
    """Return the request's key, None without one.

    Raises:
        Problem: 400, before anything is read or promised.
    """
    key = request.headers.get(HEADER)
    if key is None or (1 <= len(key) <= LONGEST and key.isascii() and key.isprintable()):
        return key
    raise Problem("invalid-idempotency-key", f"{HEADER} is 1 to {LONGEST} printable ASCII characters.")


def claimed(job: Job, png: bytes, key: str, store: Store) -> Job:
    """Return the job under the id that its key stands for: the job's own, unless the key was used within a day.

    Raises:
        Problem: 422 when the key stands for another drawing.
        StoreUnavailableError: nothing was promised.
    """
    digest = hashlib.sha256(png).hexdigest()
    claimed_digest, prediction_id = store.claim(key, digest, job.id)
    if claimed_digest != digest:
        raise Problem("idempotency-mismatch", f"This {HEADER} came with another drawing within the last 24 hours.")
    return replace(job, id=prediction_id)
