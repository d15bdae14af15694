"""LitServe with its batching, as its documentation shows it."""

import sys
from typing import Any

import litserve
import numpy as np

from tests.bench.peers.plain import MODEL, picture_from_data_url
from worker.classifier import load_classifier


class Digits(litserve.LitAPI):
    def setup(self, device: str) -> None:
        self.model = load_classifier(MODEL)

    def decode_request(self, request: dict[str, str]) -> Any:
        return picture_from_data_url(request["image"])

    def batch(self, inputs: list[Any]) -> Any:
        return np.stack(inputs)

    def predict(self, x: Any) -> Any:
        return self.model.classify(x)

    def unbatch(self, output: Any) -> Any:
        return list(output)

    def encode_response(self, output: Any) -> dict[str, str]:
        return {"digits": str(output.argmax())}


if __name__ == "__main__":
    api = Digits(max_batch_size=32, batch_timeout=0.001)
    litserve.LitServer(api, accelerator="cpu").run(
        port=int(sys.argv[1]), log_level="warning", generate_client_file=False
    )
