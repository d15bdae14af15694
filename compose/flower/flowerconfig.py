"""What Celery and Flower need to know; both read this file, each takes what it knows."""

from pathlib import Path

SECRETS = Path("/run/secrets")

broker_url = (SECRETS / "redis_url").read_text().strip()  # a user that can look at the queue, not change it
broker_transport_options = {
    "priority_steps": [0],
    # Keys of its own: Flower would hand out again what the workers hold, by its own idea of when that is due.
    "unacked_key": "flower:unacked",
    "unacked_index_key": "flower:unacked_index",
    "unacked_mutex_key": "flower:unacked_mutex",
}
basic_auth = [(SECRETS / "basic_auth").read_text().strip()]  # USER:PASSWORD, asked for by the browser
read_only = True
task_default_queue = "quill"  # whose length Flower shows
