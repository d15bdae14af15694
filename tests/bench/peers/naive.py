"""Celery as most tutorials use it: a task a drawing, the default pool, a result backend, and a client that polls."""

import os
import sys
from typing import Any

from celery import Celery
from celery.signals import worker_process_init
from flask import Flask, jsonify, request

from tests.bench.peers.plain import MODEL, picture_from_data_url

celery = Celery("naive", broker=os.environ["REDIS_URL"], backend=os.environ["REDIS_URL"])
celery.conf.worker_proc_alive_timeout = 300  # else a child that loads a model is killed after 4 s, again and again
app = Flask(__name__)
models: list[Any] = []


@worker_process_init.connect
def load(**_: object) -> None:
    import keras  # noqa: PLC0415 - not in web, and not in the process that forks

    models.append(keras.saving.load_model(MODEL, compile=False))
    sys.stderr.write("model loaded\n")


@celery.task
def classify(url: str) -> str:
    return str(models[0].predict(picture_from_data_url(url)[None], verbose=0).argmax())


@app.post("/predict")
def submit():
    job = classify.delay(request.get_json()["image"])
    return jsonify(id=job.id), 202, {"Location": f"/result/{job.id}"}


@app.get("/result/<job_id>")
def result(job_id: str):
    job = celery.AsyncResult(job_id)
    if not job.ready():
        return jsonify(state="pending"), 202, {"Location": f"/result/{job_id}"}
    return jsonify(digits=job.get())
