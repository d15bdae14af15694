# pyright: basic
# Keras and TensorFlow have no types.
"""Shows how far training is, how fast and for how long still: bars on a terminal, and a line an epoch everywhere."""

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import keras
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bars

_REMEMBERED_S = 600  # what speed is told from: an epoch may take minutes, its validation many seconds


class Progress:
    """The bars of one run: all epochs, and this one."""

    def __init__(self) -> None:
        self._console = Console(stderr=True)
        self._left = TimeRemainingColumn()
        columns = [TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn()]
        rates = [TextColumn("{task.fields[rate]}"), self._left, TextColumn("left")]  # more did not fit in 80
        self._bars = Bars(*columns, *rates, console=self._console, speed_estimate_period=_REMEMBERED_S)
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
        """Return what tells these bars of the batches of one epoch, after some of them each time."""
        self._bars.reset(self._epoch, total=self._steps)
        return keras.callbacks.LambdaCallback(on_train_batch_end=self._batch_done)

    def _batch_done(self, batch: int, logs: dict[str, Any]) -> None:
        done = min(batch + 1, self._steps)  # Keras counts the last few as if they were as many as the others
        self._bars.update(self._whole, advance=(done - self._bars.tasks[self._epoch].completed) / self._steps)
        self._bars.update(self._epoch, completed=done, rate=f"{self._rate()}, loss {logs['loss']:.4f}")

    def _rate(self) -> str:
        return f"{(self._bars.tasks[self._epoch].speed or 0) * self._batch_size:.0f} pictures/s"

    def epoch_done(self, epoch: int, loss: float, validation: dict[str, float]) -> None:
        """Tell how the epoch ended."""
        self._bars.update(self._whole, completed=epoch + 1)
        whole = self._bars.tasks[self._whole]
        shares = ", ".join(f"{name} {100 * share:.2f} %" for name, share in validation.items())
        self._console.print(
            f"epoch {epoch + 1} of {whole.total}, {self._rate()}, {self._left.render(whole)} left: "
            f"loss {loss:.4f}; right in validation: {shares}",
            soft_wrap=True,  # one line, also in a file
        )
