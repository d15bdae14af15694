# pyright: basic
# Matplotlib's types are too loose for strict checks.
"""Draws what the model card shows."""

from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from training.datasets import Examples
from training.figures import confidence, confusion, coverage_and_risk, reliability, right
from training.judge import Trials, labels
from training.trials import Classify, Drawn, readings

mpl.rcParams.update({"font.size": 9, "axes.spines.top": False, "axes.spines.right": False, "figure.dpi": 110})


def draw_plots(facts: dict[str, Any], trials: Trials, classify: Classify, folder: Path) -> None:
    """Write the plots of one model into the folder, as PNG."""
    folder.mkdir(parents=True, exist_ok=True)
    read = readings(trials.writers, classify)
    plots = {
        "learning": _learning(facts["history"]),
        "confusion": _confusion(_confused(trials.writers, read.digits)),
        "mistakes": _mistakes(trials.mnist, classify),
        "reliability": _reliability(*reliability(read.confidence, read.right)),
        "coverage": _coverage(*coverage_and_risk(read.confidence, read.right)),
        "sizes": _sizes(facts["test"]["sizes"]),
    }
    for name, figure in plots.items():
        figure.savefig(folder / f"{facts['architecture']}-{name}.png", bbox_inches="tight", metadata={"Software": None})


def _figure(title: str, x: str, y: str, size: tuple[float, float] = (4.5, 3.2)) -> tuple[Figure, Any]:
    figure = Figure(size)
    axes = figure.subplots()
    axes.set(title=title, xlabel=x, ylabel=y)
    return figure, axes


def _learning(history: dict[str, Any]) -> Figure:
    figure, axes = _figure("Learning", "epoch", "wrong, %")
    epochs = np.arange(1, len(history["loss"]) + 1)
    for name in history["validation"][0]:
        axes.plot(epochs, [100 - 100 * shares[name] for shares in history["validation"]], label=f"validation: {name}")
    axes.plot(epochs, 100 - 100 * np.array(history["accuracy"]), "k:", label="training, distorted")
    axes.axvline(history["best"] + 1, color="grey", lw=0.8)
    axes.set(yscale="log", ylim=(0.1, 100))  # nothing wrong at all is below what a logarithm can show
    axes.legend(loc="upper right")
    return figure


def _confused(drawings: list[Drawn], read: list[str]) -> np.ndarray:
    """Return the confusion of the drawings that stayed whole."""
    whole = np.array([len(digits) == 1 for digits in read])
    one = np.array([int(digits[0]) for digits in read], np.uint8)
    return confusion(one[whole], labels(drawings)[whole])


def _confusion(counts: np.ndarray) -> Figure:
    figure, axes = _figure("Digits of unknown writers", "read as", "written", (4.5, 4.5))
    axes.imshow(np.log1p(counts), cmap="Greys")
    for row, column in np.argwhere(counts):
        colour = "white" if row == column else "black"
        axes.text(column, row, counts[row, column], ha="center", va="center", color=colour, fontsize=7)
    axes.set(xticks=range(10), yticks=range(10))
    return figure


def _mistakes(mnist: Examples, classify: Classify) -> Figure:
    answers = classify(mnist.pictures)
    wrong = np.flatnonzero(~right(answers, mnist.labels))
    worst = wrong[np.argsort(-confidence(answers[wrong]))][:32]
    figure = Figure((8, 4.4))
    figure.suptitle("The surest mistakes on MNIST's test set: label > answer")
    for axes, number in zip(figure.subplots(4, 8).flat, worst, strict=False):
        axes.imshow(mnist.pictures[number], cmap="Greys")
        axes.set_title(f"{mnist.labels[number]} > {answers[number].argmax()}", fontsize=7)
    for axes in figure.axes:
        axes.set_axis_off()
    return figure


def _reliability(sure: np.ndarray, correct: np.ndarray, share: np.ndarray) -> Figure:
    figure, axes = _figure("Reliability, digits of unknown writers", "confidence", "share right")
    axes.plot([0, 1], [0, 1], "k:", lw=0.8)
    axes.scatter(sure, correct, s=15 + 300 * share)
    return figure


def _coverage(covered: np.ndarray, risk: np.ndarray) -> Figure:
    figure, axes = _figure("Answering only when sure, unknown writers", "digits answered, %", "of these wrong, %")
    axes.plot(100 * covered, 100 * risk)
    axes.set(xlim=(80, 100), ylim=(0, None))
    return figure


def _sizes(shares: dict[str, dict[str, float]]) -> Figure:
    figure, axes = _figure("Size and pen, unknown writers", "longest side, % of the canvas", "right, %")
    for pen in next(iter(shares.values())):
        points = [(100 * float(size), 100 * by_pen[pen]) for size, by_pen in shares.items()]
        axes.plot(*zip(*points, strict=True), "o-", label=f"pen {pen} px")
    axes.legend()
    return figure
