"""How Flower talks to Redis, in Celery's words: in its image, and beside Quill under `make run`."""

import os
from pathlib import Path
from typing import Any, cast

from redis.connection import parse_url  # pyright: ignore[reportUnknownVariableType] - it has no types

SECRET = Path("/run/secrets/redis_url")  # the image's: a user that can look at the queue, not change it

broker_url = os.environ.get("CELERY_BROKER_URL") or SECRET.read_text().strip()
_parts = cast("dict[str, Any]", parse_url(broker_url))
_tls = {name: value for name, value in _parts.items() if name.startswith("ssl_")}
# Else Celery would believe any certificate, and Flower not know of the address's ?ssl_...
broker_use_ssl = {"ssl_cert_reqs": "required"} | _tls if broker_url.startswith("rediss:") else False
broker_transport_options = {
    "priority_steps": [0],
    # Keys of its own: Flower would hand out again what the workers hold, by its own idea of when that is due.
    "unacked_key": "flower:unacked",
    "unacked_index_key": "flower:unacked_index",
    "unacked_mutex_key": "flower:unacked_mutex",
}
task_default_queue = "quill"  # whose length Flower shows
