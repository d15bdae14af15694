"""Reads a page of metrics as Prometheus would."""


def samples(text: str) -> dict[str, float]:
    """Return the value of each sample by its name with its labels."""
    lines = [line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, value in lines}
