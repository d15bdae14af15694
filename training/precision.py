# pyright: basic
# Keras and TensorFlow have no types.
"""Whether this machine computes in bfloat16, or only pretends to."""

from pathlib import Path

import tensorflow as tf

_CPU = {"avx512_bf16", "amx_bf16"}  # Intel since 2020 and 2023, AMD since Zen 4
_GPU = (8, 0)  # NVIDIA since Ampere


def policy() -> str:
    """Return the Keras dtype policy to train with: mixed_bfloat16 where the GPU or the CPU multiplies in it.

    Elsewhere TensorFlow emulates it: 1,600 ms a step of `default` on two cores with AVX2 only, 220 in float32
    (intel/ai-reference-models#64). These 220, of which the multiplications would take 60 at the processor's peak, are
    no fault of TensorFlow's: PyTorch takes as long, and TensorFlow without oneDNN, or with XLA, longer.
    """
    gpus = [tf.config.experimental.get_device_details(gpu) for gpu in tf.config.list_physical_devices("GPU")]
    able = all(gpu.get("compute_capability", (0, 0)) >= _GPU for gpu in gpus) if gpus else cpu_multiplies()
    return "mixed_bfloat16" if able else "float32"


def cpu_multiplies(cpuinfo: Path = Path("/proc/cpuinfo")) -> bool:
    """Tell whether Linux lists an instruction for it among the processor's."""
    return cpuinfo.exists() and not _CPU.isdisjoint(cpuinfo.read_text().split())
