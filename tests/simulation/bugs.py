"""Bugs planted to show that the simulation finds them: each breaks one sentence of the promise."""

from collections.abc import Sequence

from shared.contract import Job, Prediction
from shared.store import StoreUnavailableError
from tests.simulation.parts import Message, Store
from tests.simulation.pipeline import Web, Worker
from tests.simulation.run import Design


class PromisesTooEarly(Web):
    """Answers 202 while the store still writes."""

    def accept(self, job: Job) -> None:
        self.promised[job.id] = job
        super().accept(job)


class AcknowledgesTooEarly(Worker):
    """Acknowledges what it took, then answers: Celery without acks_late."""

    def handle(self, held: Sequence[tuple[int, Message]]) -> None:
        for tag, message in held:
            self.acknowledge(tag, message)
        super().handle(held)


class GivesUpOnTheStore(Worker):
    """Acknowledges although the store did not take the answers."""

    def keep(self, predictions: Sequence[Prediction]) -> None:
        try:
            self.store.finish(predictions)
        except StoreUnavailableError:
            return


class TrustsTheQueue(Worker):
    """Never looks for lost jobs: the queue will have kept them."""

    def sweep(self) -> None:
        return


class TrustsARunningRedis(Worker):
    """Sweeps only when Redis was restarted or emptied: a Redis that runs will have kept everything."""

    visibility_s = 10**9


class LastAnswerStays(Store):
    def write(self, prediction: Prediction) -> None:
        if prediction.id in self.jobs:
            self.answers[prediction.id] = prediction


class AnswersBringBack(Store):
    """Writes an answer without looking whether its job was forgotten."""

    def write(self, prediction: Prediction) -> None:
        self.answers.setdefault(prediction.id, prediction)


BUGS = {
    bug.__name__: design
    for bug, design in (
        (PromisesTooEarly, Design(web=PromisesTooEarly)),
        (AcknowledgesTooEarly, Design(worker=AcknowledgesTooEarly)),
        (GivesUpOnTheStore, Design(worker=GivesUpOnTheStore)),
        (TrustsTheQueue, Design(worker=TrustsTheQueue)),
        (TrustsARunningRedis, Design(worker=TrustsARunningRedis)),
        (LastAnswerStays, Design(store=LastAnswerStays)),
        (AnswersBringBack, Design(store=AnswersBringBack)),
    )
}
