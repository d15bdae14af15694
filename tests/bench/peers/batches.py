"""Celery with celery-batches at its best: batched model calls, no result backend, an answer that is pushed.

It needs Celery 5.6: celery-batches 0.11 refuses 5.7.
"""

import os
import uuid
from typing import Any

import numpy as np
from celery import Celery
from celery.signals import worker_init
from celery_batches import Batches
from flask import Flask, jsonify, request
from redis import Redis

from tests.bench.peers.plain import MODEL, picture_from_data_url
from worker.classifier import load_classifier

celery = Celery("batches", broker=os.environ["REDIS_URL"])
celery.conf.update(worker_prefetch_multiplier=64, task_acks_late=True, task_ignore_result=True)
redis: Any = Redis.from_url(os.environ["REDIS_URL"], max_connections=1000)
app = Flask(__name__)
models: list[Any] = []


@worker_init.connect
def load(**_: object) -> None:
    models.append(load_classifier(MODEL))


@celery.task(base=Batches, flush_every=32, flush_interval=0.002, ignore_result=True)
def classify(tasks: list[Any]) -> None:
    pictures = np.stack([picture_from_data_url(task.args[1]) for task in tasks])
    pipeline = redis.pipeline(transaction=False)
    for task, row in zip(tasks, models[0].classify(pictures), strict=True):
        pipeline.rpush(task.args[0], int(row.argmax()))
        pipeline.expire(task.args[0], 60)
    pipeline.execute()


@app.post("/predict")
def predict():
    key = str(uuid.uuid4())
    classify.delay(key, request.get_json()["image"])
    answer = redis.blpop([key], 60)
    return jsonify(digits=answer[1].decode())
