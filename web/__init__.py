"""HTTP: the page and the interface. Never TensorFlow, never worker code."""
