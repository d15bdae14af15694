"""Rows outlive versions: what one of them keeps, its neighbours read."""

import json
from dataclasses import fields

from shared.contract import PICTURE_BYTES, Prediction, State
from shared.store.record import DETAILS, Record, answer_of, prediction_of

DONE = Prediction(
    "id", (bytes(PICTURE_BYTES),), 1, State.DONE, 2, "7", ((0.0,) * 7 + (1.0, 0.0, 0.0),), 0.9, model_version="m"
)
COLUMNS = {"id", "pictures", "accepted_ms", "finished_ms", "digits", "label"}  # with one of their own


def kept(answer: str) -> Record:
    return Record(DONE.id, DONE.digits, DONE.accepted_ms, DONE.pictures[0], DONE.finished_ms, answer, None)


def test_every_field_of_a_prediction_is_kept() -> None:
    assert {field.name for field in fields(Prediction)} == COLUMNS | {"state", "probabilities"} | set(DETAILS)


def test_what_a_newer_version_adds_is_passed_over() -> None:
    answer = json.loads(answer_of(DONE)) | {"mood": "glad"}
    assert prediction_of(kept(json.dumps(answer))) == DONE


def test_what_an_older_version_did_not_keep_has_its_default() -> None:
    answer = json.loads(answer_of(DONE))
    del answer["batch_size"]
    assert prediction_of(kept(json.dumps(answer))) == DONE
