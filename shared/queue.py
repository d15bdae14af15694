"""The courier: Celery on Redis, how jobs are submitted, and the few keys that Quill keeps beside Celery's."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from ssl import CERT_REQUIRED
from typing import Any, cast

from celery import Celery
from kombu import Queue
from kombu.exceptions import KombuError
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import ReadOnlyError
from redis.retry import Retry

from shared.contract import CLASSIFY, QUEUE, Job, now_ms, to_message
from shared.settings import Settings

CONNECT_S = 2
WORKER_EXPIRES_S = 5  # so readiness knows of a lost worker within seconds
ANSWER_S = 5  # must stay above the 1 s that kombu's BRPOP may take
IN_FLIGHT = 8  # messages that one worker holds: some in the model, the others being fetched, decoded, stored

DONE_CHANNEL = "quill:done"  # finished ids are published here, as JSON: a hint for whoever waits, never the truth
WORKER_KEY = "quill:worker:"  # + name: what a live worker tells of itself, as JSON; expires when it stops telling
ASKED_KEY = "quill:asked"  # written before workers are looked for: a Redis that only reads is no queue
EPOCH_KEY = "quill:epoch"  # the run id of the Redis that got our messages; gone or another: it may have lost them
SWEEPER_KEY = "quill:sweeper"  # the name of the worker that sweeps; expires with it
ATTEMPTS_KEY = "quill:attempts:"  # + day since 1970: hash, job id -> model calls begun and not followed by an answer
UNACKED_KEY = "unacked"  # kombu's hash of the messages that a worker has taken
SUBMITTED_HEADER = "submitted_ms"

Submit = Callable[[Sequence[Job]], None]  # 1 to MAX_JOBS jobs, as one message; raises SubmitError


class SubmitError(Exception):
    """Raised when Redis did not take a message; the jobs are safe in the store, submit them again later."""


def make_celery(settings: Settings) -> Celery:
    """Return the Celery application, the same on both sides of the queue; nothing connects yet."""
    url = settings.redis_url.get_secret_value()
    app = Celery("quill", broker=url, set_as_current=False)
    app.conf.update(
        task_ignore_result=True,  # the store is the only home of a result
        task_serializer="json",
        accept_content=["json"],  # never pickle: whoever can write to Redis could run code
        task_queues=[Queue(QUEUE)],
        task_default_queue=QUEUE,
        task_create_missing_queues=False,
        task_acks_late=True,  # a message leaves Redis after its answers are durable
        worker_prefetch_multiplier=1,
        worker_concurrency=IN_FLIGHT,
        worker_pool="threads",  # one process, one model; the event loop stays free
        worker_enable_remote_control=False,  # anybody on Redis could shut the workers down
        worker_enable_prefetch_count_reduction=False,  # it would shrink batches after a reconnection
        worker_hijack_root_logger=False,
        worker_redirect_stdouts=False,  # what ends a process writes where it goes, not through a logger
        worker_send_task_events=True,  # Flower shows them
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        broker_connection_timeout=CONNECT_S,
        broker_transport="shared.transport:Transport",
        # Else kombu speaks in the clear to rediss:// with a transport of our own. The address's ?ssl_... come first.
        broker_use_ssl={"ssl_cert_reqs": CERT_REQUIRED} if url.startswith("rediss:") else False,
        broker_channel_error_retry=True,  # Redis may turn into a replica for a while, and refuse
        broker_transport_options={
            "visibility_timeout": settings.visibility_s,
            # By default abandoned messages are looked for every 100 s, and not for 300 s when the looker dies.
            "unacked_restore_interval": 5,
            "unacked_restore_throttle": 1,
            "unacked_mutex_expire": 30,
            "socket_timeout": ANSWER_S,
            "socket_connect_timeout": CONNECT_S,
            "socket_keepalive": True,
            "health_check_interval": 5,
            "priority_steps": [0],  # one list instead of four
        },
    )
    return app


def submitter(app: Celery) -> Submit:
    """Return the port through which jobs get into the queue."""
    connection = app.connection_for_write()
    refusals = (KombuError, OSError, *connection.connection_errors, *connection.channel_errors)

    def submit(jobs: Sequence[Job]) -> None:
        try:
            app.send_task(
                CLASSIFY,
                args=[to_message(jobs)],
                argsrepr=f"({len(jobs)} jobs, the first {jobs[0].id})",  # what Flower and logs show: never the ink
                headers={SUBMITTED_HEADER: now_ms()},
                declare=(),  # a list in Redis needs none
                retry=False,
            )
        except refusals as error:
            raise SubmitError(f"Redis did not take a message: {error}") from error

    return submit


def redis_client(settings: Settings) -> Redis:
    """Return a client for the keys above; it connects when used, and answers or raises within seconds.

    After a failover the old connection may still lead to a server that is a replica now, and the address to another
    one: so a write that is refused closes the connection.
    """
    retry = Retry(NoBackoff(), 0)  # whoever asks has something better to do than to wait for the fourth attempt
    retry.update_supported_errors([ReadOnlyError])  # after which redis-py closes the connection
    return Redis.from_url(
        settings.redis_url.get_secret_value(),
        decode_responses=True,
        encoding_errors="replace",  # what a stranger wrote need not be UTF-8
        socket_timeout=CONNECT_S,
        socket_connect_timeout=CONNECT_S,
        health_check_interval=5,
        retry=retry,
    )


def tell_alive(redis: Redis, name: str, about: Mapping[str, Any]) -> None:
    """Let everybody know for the next seconds that the worker lives, and what it tells of itself."""
    redis.set(WORKER_KEY + name, json.dumps({"name": name, **about}), ex=WORKER_EXPIRES_S)


def live_workers(redis: Redis) -> list[dict[str, Any]]:
    """Return what each live worker tells of itself, by name: its model_version at least, or a stranger wrote it.

    Raises:
        RedisError: also when Redis takes no writes, being full or a replica: then no worker can tell anything.
    """
    redis.set(ASKED_KEY, "", ex=WORKER_EXPIRES_S)
    keys = sorted(cast("Iterator[str]", redis.scan_iter(f"{WORKER_KEY}*", count=1000)))
    told = map(_parsed, cast("list[str | None]", redis.mget(keys)) if keys else [])
    return [about for about in told if _is_text(about.get("model_version"))]


def _parsed(about: str | None) -> dict[str, Any]:
    """Return the JSON object, an empty one for what is none."""
    try:
        parsed = json.loads(about or "{}")
    except (ValueError, RecursionError):
        return {}
    return cast("dict[str, Any]", parsed) if isinstance(parsed, dict) else {}


def _is_text(value: object) -> bool:
    return isinstance(value, str) and value.isprintable()  # half a surrogate pair, say, cannot be told to anybody


def model_versions(redis: Redis) -> list[str]:
    """Return the version of the model that each live worker holds."""
    return [about["model_version"] for about in live_workers(redis)]


def message_counts(redis: Redis) -> dict[str, int]:
    """Return how many messages wait in Redis, and how many are taken by a worker and not acknowledged."""
    return {"waiting": redis.llen(QUEUE), "unacknowledged": redis.hlen(UNACKED_KEY)}


def oldest_waiting_ms(redis: Redis) -> int | None:
    """Return when the message that is next in line was submitted (ms since 1970 UTC), None when none of ours waits.

    Who is next waits longest: kombu pushes on the left of the list and pops on its right.
    """
    try:
        submitted_ms = json.loads(redis.lindex(QUEUE, -1) or "{}")["headers"][SUBMITTED_HEADER]
    except (ValueError, TypeError, LookupError, RecursionError):  # nothing waits, or what a stranger wrote
        return None
    return submitted_ms if type(submitted_ms) is int else None
