"""The model, loaded only after its file is proved to be the one that was trained, and asked in a few batch sizes."""

import os
from collections.abc import Callable
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shared.contract import CLASSES, SIDE
from shared.model_file import GOLDEN, ModelError, ModelFile, Runtime, proved, training

Pictures = NDArray[np.uint8]
Answer = Callable[[Pictures], NDArray[np.float32]]  # (n, SIDE, SIDE) ink -> (n, columns) probabilities

SIZES = (1, 2, 4, 8, 16, 32, 64)  # batches are padded to these, so that each shape is prepared before it is needed
MOST = 1.001  # of a probability, as float32 rounds it
SERVABLE = (
    f"make it answer `pictures`, uint8 (n, {SIDE}, {SIDE}), with {CLASSES} probabilities each (docs/another-model.md), "
    "or name another in QUILL_MODEL"
)

INSTALL: dict[Runtime, str] = {
    "tensorflow": "install requirements/worker.txt, or set QUILL_RUNTIME=onnx",
    "onnx": "install requirements/onnx.txt, or set QUILL_RUNTIME=tensorflow",
}


class Classifier:
    """A loaded model.

    Attributes:
        version: which model it is, as predictions record it.
        threshold: a prediction whose confidence is below it is unsure.
    """

    def __init__(self, answer: Answer, version: str, threshold: float) -> None:
        self._answer = answer
        self.version = version
        self.threshold = threshold

    def classify(self, pictures: Pictures) -> NDArray[np.float32]:
        """Return calibrated probabilities, float32 (n, CLASSES), of uint8 (n, SIDE, SIDE) pictures.

        What a row lacks of 1 is the probability of "not a digit".
        """
        parts = [self._padded(pictures[start : start + SIZES[-1]]) for start in range(0, len(pictures), SIZES[-1])]
        return np.concatenate(parts) if parts else np.zeros((0, CLASSES), np.float32)

    def _padded(self, pictures: Pictures) -> NDArray[np.float32]:
        size = next(size for size in SIZES if size >= len(pictures))
        padded = np.zeros((size, SIDE, SIDE), np.uint8)
        padded[: len(pictures)] = pictures
        return self._answer(padded)[: len(pictures), :CLASSES]

    def warm(self) -> None:
        """Answer each batch size once, so that the first drawings do not wait for what is prepared only once."""
        for size in SIZES:
            self.classify(np.zeros((size, SIDE, SIDE), np.uint8))


def load_classifier(path: Path, *, runtime: Runtime = "tensorflow", threads: int = 1) -> Classifier:
    """Return the model at path (.keras), warmed and proved on its golden pictures.

    Args:
        path: the model; what is known of it is read from the .json beside it. With runtime "onnx" the .onnx beside it
            answers instead, and TensorFlow is never loaded.
        runtime: what computes.
        threads: how many cores one call may use.

    Raises:
        ModelError: when a file is missing, changed or wrong, the model is not what drawings can be read with, or the
            runtime is not installed.
    """
    file = proved(path, runtime)
    pictures, labels = _golden(path.with_name(GOLDEN))
    try:
        classifier = _warmed(file, runtime, threads)
        read = checked(classifier.classify(pictures), len(pictures)).argmax(axis=1)
    except ImportError as error:
        raise ModelError(f"{runtime} cannot be loaded ({error})", INSTALL[runtime]) from error
    except MemoryError:
        raise  # no fault of the model
    except Exception as error:
        raise ModelError(f"{file.path} cannot be served: {' '.join(str(error).split())}", SERVABLE) from error
    if wrong := int((read != labels).sum()):
        fault = f"{file.version} misreads {wrong} of its {len(labels)} golden pictures"
        raise ModelError(fault, f"train it longer, {training(path)}, or {_choose(path)}")
    return classifier


def _warmed(file: ModelFile, runtime: Runtime, threads: int) -> Classifier:
    answer = _load_keras(file.path, threads) if runtime == "tensorflow" else _load_onnx(file.path, threads)
    classifier = Classifier(answer, file.version, file.threshold)
    classifier.warm()
    return classifier


def _load_keras(file: Path, threads: int) -> Answer:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    tf: Any = import_module("tensorflow")  # here, as it costs seconds and 500 MB, and as Any, as it has no types
    keras: Any = import_module("keras")
    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    model = keras.saving.load_model(file, compile=False, safe_mode=True)
    signature = [tf.TensorSpec((None, SIDE, SIDE), tf.uint8)]
    function = tf.function(partial(model, training=False), input_signature=signature)
    compiled = function.get_concrete_function()  # asked directly it need not look at each call's types: 0.1 ms less
    return lambda pictures: compiled(tf.constant(pictures)).numpy()


def _load_onnx(file: Path, threads: int) -> Answer:
    onnxruntime: Any = import_module("onnxruntime")  # here, as only this runtime needs it installed
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # idle workers leave the cores to others
    session = onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])
    return lambda pictures: session.run(None, {"pictures": pictures})[0]


def _golden(path: Path) -> tuple[Pictures, NDArray[np.uint8]]:
    """Return the golden pictures and what they show."""
    cure = f"restore it with git, copy the one in worker/models, or {_choose(path)}"
    try:
        with np.load(path, allow_pickle=False) as file:
            pictures, labels = file["pictures"], file["labels"]
    except FileNotFoundError as error:
        raise ModelError(f"{path} is missing", cure) from error
    except Exception as error:
        raise ModelError(f"{path} does not hold pictures and labels ({error})", cure) from error
    if not labels.size or (pictures.shape, pictures.dtype) != ((*labels.shape, SIDE, SIDE), np.uint8):
        raise ModelError(f"{path} holds {pictures.dtype} {pictures.shape} pictures and {labels.shape} labels", cure)
    return pictures, labels


def _choose(golden: Path) -> str:
    return f"choose pictures that it reads: `python -m training.golden --models {golden.parent}`"


def checked(probabilities: NDArray[np.float32], count: int) -> NDArray[np.float32]:
    """Return the probabilities if they are what a model may answer for so many pictures, else raise ValueError."""
    if probabilities.shape != (count, CLASSES) or not ((probabilities >= 0) & (probabilities <= MOST)).all():
        raise ValueError(f"the model answered {probabilities.shape}, or no probabilities, for {count} pictures")
    return probabilities
