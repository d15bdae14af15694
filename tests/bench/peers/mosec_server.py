"""Mosec with dynamic batching and a window of 1 ms; like Quill it takes the PNG as the body, without base64."""

import numpy as np
from mosec import Server, Worker

from tests.bench.peers.plain import MODEL, picture_from_png
from worker.classifier import load_classifier


class Digits(Worker):
    def __init__(self) -> None:
        self.model = load_classifier(MODEL)

    def deserialize(self, data: bytes) -> bytes:
        return data

    def forward(self, data: list[bytes]) -> list[dict[str, str]]:
        rows = self.model.classify(np.stack([picture_from_png(png) for png in data]))
        return [{"digits": str(row.argmax())} for row in rows]


if __name__ == "__main__":
    server = Server()
    server.append_worker(Digits, num=1, max_batch_size=32, max_wait_time=1)
    server.run()
