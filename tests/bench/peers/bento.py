"""BentoML with its adaptive batching, as its documentation shows it; its latency limit lets 256 users wait."""

import bentoml
import numpy as np

from tests.bench.peers.plain import MODEL, picture_from_data_url
from worker.classifier import load_classifier


@bentoml.service(workers=1, traffic={"timeout": 60})
class Digits:
    def __init__(self) -> None:
        self.model = load_classifier(MODEL)

    @bentoml.api(batchable=True, max_batch_size=32, max_latency_ms=20_000)
    def predict(self, image: list[str]) -> list[dict[str, str]]:
        rows = self.model.classify(np.stack([picture_from_data_url(url) for url in image]))
        return [{"digits": str(row.argmax())} for row in rows]
