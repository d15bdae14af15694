"""Web's image has no TensorFlow: nothing that web imports may load it, not even through a third party."""

import subprocess
import sys

HEAVY = ("keras", "tensorflow", "worker", "training")


def test_importing_web_loads_neither_keras_nor_tensorflow() -> None:
    program = "import sys, web.app, web.__main__; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout.split()
    assert "web" in loaded
    assert not {name.partition(".")[0] for name in loaded} & set(HEAVY)
