"""The one task: a message's jobs in, their answers durable, then the acknowledgement."""

import faulthandler
import logging
import os
import sys
import time
from collections.abc import Callable
from typing import NoReturn

from celery import current_task
from celery.exceptions import Reject

from shared.batcher import Batcher
from shared.contract import ContractError, Prediction, from_message, now_ms
from shared.store import StoreUnavailableError
from worker.answering import Arrival
from worker.tally import Tally

log = logging.getLogger(__name__)

EXIT_RESTART = 70  # EX_SOFTWARE: the supervisor starts the process anew

Handle = Callable[[object], None]


def handler(answering: Batcher[Arrival, Prediction | None], keeping: Batcher[Prediction, None], tally: Tally) -> Handle:
    """Return the task's body; when it returns, Celery acknowledges the message."""

    def handle(message: object) -> None:
        try:
            _answer(message, answering, keeping, tally)
        except StoreUnavailableError as error:
            raise Reject(error, requeue=True) from error  # the process ends: another worker takes it at once
        except BaseException as error:  # noqa: BLE001 - see leave
            leave(f"{type(error).__name__} in the task: {error}")

    return handle


def _answer(
    message: object, answering: Batcher[Arrival, Prediction | None], keeping: Batcher[Prediction, None], tally: Tally
) -> None:
    try:
        jobs = from_message(message)
    except ContractError as error:
        log.error("a message was dropped: %s", error)  # noqa: TRY400 - a stranger's mistake needs no trace of ours
        return
    received_s, received_ms = time.monotonic(), now_ms()
    redelivered = _is_redelivered()
    with tally.holding(len(jobs), redelivered=redelivered):
        answers = answering.put([Arrival(job, received_s, received_ms, redelivered) for job in jobs]).result()
        predictions = [prediction for prediction in answers if prediction]
        if predictions:
            _keep(predictions, keeping, tally)


def _keep(predictions: list[Prediction], keeping: Batcher[Prediction, None], tally: Tally) -> None:
    with tally.storing():
        keeping.put(predictions).result()
    tally.answered(predictions)


def _is_redelivered() -> bool:
    """Tell whether Redis hands out the present message once more, because whoever had it did not acknowledge it."""
    return bool((current_task.request.delivery_info or {}).get("redelivered"))


def leave(reason: str) -> NoReturn:
    """End the process now; its supervisor starts a fresh one and its messages come back.

    Celery 5.7 never gives back the place of a message whose task raised MemoryError or SystemExit in a thread
    (celery#10462), so a process that met one would live on and take nothing.
    """
    try:
        log.critical("this worker ends itself: %s", reason)
        faulthandler.dump_traceback(file=sys.__stderr__ or 2, all_threads=True)
        logging.shutdown()
    finally:  # whatever becomes of these words: a process that must go may be out of memory or of disk
        os._exit(EXIT_RESTART)
