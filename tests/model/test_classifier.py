import hashlib
import json
import os
import shutil
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from shared.contract import CLASSES, SIDE
from shared.model_file import GOLDEN, ModelError, Runtime
from worker.classifier import SIZES, Classifier, load_classifier

MODELS = Path("worker/models")


@pytest.fixture(scope="module", params=["default", "seed"])
def model(request: pytest.FixtureRequest) -> Path:
    return MODELS / f"{request.param}.keras"


@pytest.fixture(scope="module", params=["tensorflow", "onnx"])
def classifier(request: pytest.FixtureRequest, model: Path) -> Classifier:
    return load_classifier(model, runtime=request.param)


@pytest.fixture(scope="module")
def golden() -> NDArray[np.uint8]:
    with np.load(MODELS / GOLDEN) as file:
        return file["pictures"]


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    for file in ("seed.keras", "seed.onnx", "seed.json", GOLDEN):
        shutil.copy(MODELS / file, tmp_path)
    return tmp_path / "seed.keras"


def onnx_model(
    *, classes: int = CLASSES, weight: float = 0, takes: str = "pictures", pixels: int = SIDE * SIDE
) -> bytes:
    """Return an ONNX model that answers every picture with the same."""
    onnx: Any = import_module("onnx")  # as Any, as its types are those of protobuf
    make, types = onnx.helper, onnx.TensorProto
    nodes = [
        make.make_node("Flatten", [takes], ["flat"]),
        make.make_node("Cast", ["flat"], ["tones"], to=types.FLOAT),
        make.make_node("MatMul", ["tones", "weights"], ["answer"]),
    ]
    graph = make.make_graph(
        nodes,
        "model",
        [make.make_tensor_value_info(takes, types.UINT8, [None, SIDE, SIDE])],
        [make.make_tensor_value_info("answer", types.FLOAT, [None, classes])],
        [onnx.numpy_helper.from_array(np.full((pixels, classes), weight, np.float32), "weights")],
    )
    return make.make_model(graph, ir_version=8, opset_imports=[make.make_opsetid("", 17)]).SerializeToString()


def note_digest(model: Path, name: str, content: bytes) -> None:
    """Write into the model's facts that training made this content."""
    facts = json.loads(model.with_suffix(".json").read_text())
    facts[name] = hashlib.sha256(content).hexdigest()
    model.with_suffix(".json").write_text(json.dumps(facts))


@pytest.mark.parametrize("count", [0, 1, 3, SIZES[-1], SIZES[-1] + 1, 150])
def test_every_picture_gets_its_ten_probabilities(
    classifier: Classifier, golden: NDArray[np.uint8], count: int
) -> None:
    answer = classifier.classify(np.resize(golden, (count, SIDE, SIDE)))
    assert (answer.shape, answer.dtype) == ((count, CLASSES), np.float32)
    assert (answer >= 0).all()
    assert (answer.sum(axis=1) < 1.0001).all()


def test_company_in_the_batch_does_not_change_an_answer(classifier: Classifier, golden: NDArray[np.uint8]) -> None:
    alone = np.concatenate([classifier.classify(picture[None]) for picture in golden])
    np.testing.assert_allclose(classifier.classify(golden), alone, atol=1e-5)


def test_both_runtimes_answer_the_same(model: Path, golden: NDArray[np.uint8]) -> None:
    reference = load_classifier(model).classify(golden)
    np.testing.assert_allclose(load_classifier(model, runtime="onnx").classify(golden), reference, atol=1e-4)


def test_the_onnx_runtime_never_loads_tensorflow() -> None:
    program = (
        "import sys; from pathlib import Path; from worker.classifier import load_classifier;"
        f"load_classifier(Path({str(MODELS / 'seed.keras')!r}), runtime='onnx');"
        "sys.exit('tensorflow' in sys.modules or 'keras' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


@pytest.mark.parametrize("runtime", ["tensorflow", "onnx"])
def test_a_runtime_that_is_not_installed_is_told_with_its_cure(runtime: Runtime) -> None:
    library = "onnxruntime" if runtime == "onnx" else runtime
    program = f"import sys; sys.modules[{library!r}] = None; from worker.__main__ import main; main()"
    environ = os.environ | {"QUILL_RUNTIME": runtime}
    run = subprocess.run([sys.executable, "-c", program], env=environ, capture_output=True, text=True, check=False)
    assert run.returncode == 1
    assert run.stderr.startswith(f"Error: {runtime} cannot be loaded (")
    assert "install requirements/" in run.stderr


@pytest.mark.parametrize("runtime", ["tensorflow", "onnx"])
@pytest.mark.parametrize("harm", ["missing", "changed"])
def test_a_missing_or_changed_model_is_refused_with_its_cure(copied: Path, runtime: Runtime, harm: str) -> None:
    file = copied if runtime == "tensorflow" else copied.with_suffix(".onnx")
    if harm == "missing":
        file.unlink()
    else:
        file.write_bytes(file.read_bytes() + b"!")
    with pytest.raises(ModelError, match=r"restore it with git.*`python -m training --architecture seed --models /"):
        load_classifier(copied, runtime=runtime)


@pytest.mark.parametrize(
    "facts",
    [{"threshold": None}, {"threshold": "0.9"}, {"threshold": 95}, {"threshold": float("nan")}, {"version": ""}],
)
def test_facts_that_no_answer_could_be_given_with_are_refused(copied: Path, facts: dict[str, Any]) -> None:
    file = copied.with_suffix(".json")
    file.write_text(json.dumps(json.loads(file.read_text()) | facts))
    with pytest.raises(ModelError, match="a threshold from 0 to 1: restore it with git"):
        load_classifier(copied, runtime="onnx")


def test_a_model_is_named_by_its_keras_file(copied: Path) -> None:
    with pytest.raises(ModelError, match=r"QUILL_RUNTIME=onnx takes the \.onnx beside it"):
        load_classifier(copied.with_suffix(".onnx"), runtime="onnx")


@pytest.mark.parametrize("content", [None, "", "{", "{}", "[]"])
def test_a_missing_or_broken_fact_file_is_refused_with_its_cure(copied: Path, content: str | None) -> None:
    facts = copied.with_suffix(".json")
    if content is None:
        facts.unlink()
    else:
        facts.write_text(content)
    with pytest.raises(ModelError, match=r"seed\.json.*python -m training"):
        load_classifier(copied, runtime="onnx")


def test_a_model_that_misreads_a_golden_picture_is_not_served(copied: Path, tmp_path: Path) -> None:
    with np.load(copied.with_name(GOLDEN)) as file:
        pictures, labels = file["pictures"], file["labels"]
    labels[0] = (labels[0] + 1) % CLASSES
    np.savez(copied.with_name(GOLDEN), pictures=pictures, labels=labels)
    cure = f"--architecture seed --models {tmp_path}`.*`python -m training.golden --models {tmp_path}`"
    with pytest.raises(ModelError, match=f"misreads 1 of its 20.*{cure}"):
        load_classifier(copied, runtime="onnx")


@pytest.mark.parametrize(
    ("harm", "told"),
    [
        ({"classes": 3}, r"the model answered \(20, 3\)"),
        ({"weight": np.nan}, "no probabilities"),
        ({"weight": 1.0}, "no probabilities"),
        ({"weight": -1.0}, "no probabilities"),
        ({"takes": "ink"}, r"'ink'"),
        ({"pixels": SIDE}, "cannot be served"),
    ],
    ids=str,
)
def test_an_onnx_model_that_could_answer_no_drawing_is_refused_with_its_cure(
    copied: Path, harm: dict[str, Any], told: str
) -> None:
    content = onnx_model(**harm)
    copied.with_suffix(".onnx").write_bytes(content)
    note_digest(copied, "onnx_sha256", content)
    with pytest.raises(ModelError, match=f"{told}.*10 probabilities each"):
        load_classifier(copied, runtime="onnx")


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # Keras's way is from before NumPy 2
def test_a_keras_model_of_other_classes_is_refused_with_its_cure(copied: Path) -> None:
    keras = import_module("keras")
    parts = [keras.layers.Input((SIDE, SIDE), dtype="uint8"), keras.layers.Flatten(), keras.layers.Dense(3)]
    keras.Sequential(parts).save(copied)
    note_digest(copied, "sha256", copied.read_bytes())
    with pytest.raises(ModelError, match=r"the model answered \(20, 3\).*10 probabilities each"):
        load_classifier(copied)


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # as above
def test_a_keras_model_that_brings_code_of_its_own_is_refused(copied: Path) -> None:
    def code(ink: Any) -> Any:
        return ink / 255

    keras = import_module("keras")
    pictures = keras.layers.Input((SIDE, SIDE), dtype="uint8")
    parts = [pictures, keras.layers.Lambda(code), keras.layers.Flatten(), keras.layers.Dense(CLASSES)]
    keras.Sequential(parts).save(copied)
    note_digest(copied, "sha256", copied.read_bytes())
    with pytest.raises(ModelError, match=r"(?s)Lambda.*10 probabilities each"):
        load_classifier(copied)


@pytest.mark.parametrize(
    "content",
    [
        None,
        b"no npz",
        {"pictures": np.zeros((20, SIDE, SIDE))},
        {"pictures": np.zeros((20, SIDE, SIDE), np.uint8), "labels": np.zeros(19)},
        {"pictures": np.zeros((0, SIDE, SIDE), np.uint8), "labels": np.zeros(0)},
        {"pictures": np.zeros((20, SIDE, SIDE)), "labels": np.zeros(20)},
    ],
    ids=["missing", "no npz", "no labels", "too few labels", "no pictures", "floats"],
)
def test_missing_golden_pictures_and_those_that_are_none_are_refused_with_their_cure(
    copied: Path, content: bytes | dict[str, Any] | None
) -> None:
    golden = copied.with_name(GOLDEN)
    if content is None:
        golden.unlink()
    elif isinstance(content, bytes):
        golden.write_bytes(content)
    else:
        np.savez(golden, **content)
    with pytest.raises(ModelError, match=rf"golden\.npz.*`python -m training\.golden --models {copied.parent}`"):
        load_classifier(copied, runtime="onnx")


def test_the_classifier_tells_which_model_it_is(model: Path, classifier: Classifier) -> None:
    facts = json.loads(model.with_suffix(".json").read_text())
    assert (classifier.version, classifier.threshold) == (facts["version"], facts["threshold"])
    assert facts["sha256"].startswith(classifier.version.split("-")[1])
