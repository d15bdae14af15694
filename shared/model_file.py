"""A model's files: the one that a runtime loads, proved to be what training wrote, and the facts beside it."""

import hashlib
import json
from pathlib import Path
from typing import Any, Literal, NamedTuple, cast

Runtime = Literal["tensorflow", "onnx"]

GOLDEN = "golden.npz"  # beside the model: 20 pictures that it must know
_DIGESTS: dict[Runtime, str] = {"tensorflow": "sha256", "onnx": "onnx_sha256"}


class ModelError(Exception):
    """Raised when a model cannot be trusted or loaded.

    Attributes:
        fault: what is wrong.
        cure: what the operator does about it.
    """

    def __init__(self, fault: str, cure: str) -> None:
        super().__init__(f"{fault}: {cure}")
        self.fault = fault
        self.cure = cure


class ModelFile(NamedTuple):
    """What a runtime loads, as training wrote it.

    Attributes:
        path: the .keras or the .onnx.
        version: which model it is.
        threshold: a prediction whose confidence is below it is unsure.
    """

    path: Path
    version: str
    threshold: float


def proved(model: Path, runtime: Runtime) -> ModelFile:
    """Return what the runtime loads of the model, whose path ends in .keras: that file, or the .onnx beside it.

    Raises:
        ModelError: when a file is missing or is not what training wrote.
    """
    if model.suffix != ".keras":
        raise ModelError(
            f"{model} is no .keras file", "name that in QUILL_MODEL; QUILL_RUNTIME=onnx takes the .onnx beside it"
        )
    facts = _facts(model.with_suffix(".json"))
    path = model if runtime == "tensorflow" else model.with_suffix(".onnx")
    if hashlib.sha256(_content(path)).hexdigest() != facts[_DIGESTS[runtime]]:
        raise _changed(path)
    return ModelFile(path, facts["version"], facts["threshold"])


def _facts(path: Path) -> dict[str, Any]:
    try:
        parsed: Any = json.loads(_content(path))
    except ValueError as error:
        raise _changed(path) from error
    facts = cast("dict[str, Any]", parsed) if isinstance(parsed, dict) else {}
    if not {"version", "threshold", *_DIGESTS.values()} <= facts.keys():
        raise _changed(path)
    version, threshold = facts["version"], facts["threshold"]
    if not (isinstance(version, str) and version and isinstance(threshold, float | int) and 0 <= threshold <= 1):
        raise ModelError(f"{path} needs a version, a text, and a threshold from 0 to 1", _restore(path))
    return facts


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ModelError(f"{path} cannot be read ({error.strerror})", _restore(path)) from error


def _changed(path: Path) -> ModelError:
    return ModelError(f"{path} is not what training wrote", _restore(path))


def _restore(path: Path) -> str:
    return f"restore it with git, name another in QUILL_MODEL, or train it: {training(path)}"


def training(model: Path) -> str:
    """Return the command that trains the model one of whose files is at path."""
    return f"`python -m training --architecture {model.stem} --models {model.parent}`"
