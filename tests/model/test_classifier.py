import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from shared.contract import CLASSES, SIDE
from shared.model_file import ModelError, Runtime
from worker.classifier import GOLDEN, SIZES, Classifier, load_classifier

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
@pytest.mark.parametrize("harm", ["missing", "changed"])
def test_a_missing_or_changed_model_is_refused_with_its_cure(copied: Path, runtime: Runtime, harm: str) -> None:
    file = copied if runtime == "tensorflow" else copied.with_suffix(".onnx")
    if harm == "missing":
        file.unlink()
    else:
        file.write_bytes(file.read_bytes() + b"!")
    with pytest.raises(ModelError, match=r"restore it with git.*make train"):
        load_classifier(copied, runtime=runtime)


@pytest.mark.parametrize("content", [None, "", "{", "{}", "[]"])
def test_a_missing_or_broken_fact_file_is_refused_with_its_cure(copied: Path, content: str | None) -> None:
    facts = copied.with_suffix(".json")
    if content is None:
        facts.unlink()
    else:
        facts.write_text(content)
    with pytest.raises(ModelError, match=r"seed\.json.*make train"):
        load_classifier(copied, runtime="onnx")


def test_a_model_that_misreads_a_golden_picture_is_not_served(copied: Path) -> None:
    with np.load(copied.with_name(GOLDEN)) as file:
        pictures, labels = file["pictures"], file["labels"]
    labels[0] = (labels[0] + 1) % CLASSES
    np.savez(copied.with_name(GOLDEN), pictures=pictures, labels=labels)
    with pytest.raises(ModelError, match="misreads 1 of its 20"):
        load_classifier(copied, runtime="onnx")


def test_the_classifier_tells_which_model_it_is(model: Path, classifier: Classifier) -> None:
    facts = json.loads(model.with_suffix(".json").read_text())
    assert (classifier.version, classifier.threshold) == (facts["version"], facts["threshold"])
    assert facts["sha256"].startswith(classifier.version.split("-")[1])
