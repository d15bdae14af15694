"""The design of 2019 that Quill began with: the request reads, predicts and inserts, one after another."""

import os
import sqlite3
import time
import uuid
from typing import Any

import keras
from flask import Flask, jsonify, request

from tests.bench.peers.plain import MODEL, picture_from_data_url

app = Flask(__name__)
model: Any = keras.saving.load_model(MODEL, compile=False)
database = sqlite3.connect(os.environ["DATABASE"], check_same_thread=False, isolation_level=None)
database.execute("PRAGMA journal_mode = WAL")
database.execute("PRAGMA synchronous = FULL")
database.execute("CREATE TABLE IF NOT EXISTS mnist1 (id TEXT PRIMARY KEY, digits TEXT, upload_time REAL, image TEXT)")


@app.post("/predict")
def predict():
    url = request.get_json()["image"]
    digit = int(model.predict(picture_from_data_url(url)[None], verbose=0).argmax())
    database.execute("INSERT INTO mnist1 VALUES (?, ?, ?, ?)", (str(uuid.uuid4()), str(digit), time.time(), url))
    return jsonify(digits=str(digit))
