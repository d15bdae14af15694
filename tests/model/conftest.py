"""TensorFlow on one thread, as a worker has it, whatever test comes first: once it has computed it takes no number."""

from importlib import import_module
from typing import Any

tf: Any = import_module("tensorflow")  # as Any, as it has no types
tf.config.threading.set_intra_op_parallelism_threads(1)
tf.config.threading.set_inter_op_parallelism_threads(1)
