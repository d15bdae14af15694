# pyright: basic
# Keras and TensorFlow have no types.
"""Shows how far training is: bars with rate and remaining time on a terminal, a line an epoch elsewhere."""

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import keras
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.progress import Progress as Bars


class Progress:
    """The bars of one run: all epochs, and this one."""

    def __init__(self) -> None:
        self._console = Console(stderr=True)
        columns = [TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn()]
        times = [TimeElapsedColumn(), TextColumn("elapsed,"), TimeRemainingColumn(), TextColumn("left")]
        self._bars = Bars(*columns, TextColumn("{task.fields[rate]}"), *times, console=self._console)
        self._whole = self._epoch = self._bars.add_task("", visible=False, rate="")
        self._steps = self._batch_size = 0

    @contextmanager
    def shown(self, epochs: int, steps: int, batch_size: int, *, done: int) -> Generator[None]:
        """Show the bars during the block, which begins after so many epochs; then leave the terminal as it was."""
        self._steps, self._batch_size = steps, batch_size
        if done:
            self._console.print(f"going on after epoch {done} of {epochs}")
        self._whole = self._bars.add_task("epochs", total=epochs, completed=done, rate="")
        self._epoch = self._bars.add_task("batches", total=steps, rate="")
        with self._bars:
            yield

    def callback(self) -> keras.callbacks.Callback:
        """Return what tells these bars of each batch of one epoch."""
        self._bars.reset(self._epoch, total=self._steps)
        return keras.callbacks.LambdaCallback(on_train_batch_end=self._batch_done)

    def _batch_done(self, _: int, logs: dict[str, Any]) -> None:
        speed = self._bars.tasks[self._epoch].speed
        rate = f"{speed * self._batch_size:.0f} pictures/s" if speed else ""
        self._bars.update(self._epoch, advance=1, rate=f"{rate}, loss {logs['loss']:.4f}")

    def epoch_done(self, epoch: int, loss: float, validation: dict[str, float]) -> None:
        """Tell how the epoch ended."""
        self._bars.update(self._whole, advance=1)
        shares = ", ".join(f"{name} {100 * share:.2f} %" for name, share in validation.items())
        self._console.print(f"epoch {epoch + 1}: loss {loss:.4f}; right in validation: {shares}")
