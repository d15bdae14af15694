# ruff: noqa: E501 - the cards are prose
"""Writes the model card and the data card from the figures."""

import statistics
from collections.abc import Sequence
from typing import Any

import numpy as np

from training.calibrate import COVERAGE
from training.datasets import VALIDATION, digests, mnist_test, mnist_train
from training.judge import NUMBERS, TIMES, small
from training.strokes import TEST_WRITERS, VALIDATION_WRITERS, by_writers, pen_digits

Facts = dict[str, Any]  # a model's JSON file, evaluated


def model_card(models: Sequence[Facts]) -> str:
    """Return the model card, Markdown, of the first model, with the others beside it."""
    first = models[0]
    name = first["architecture"]
    return f"""# Model card

Written by `python -m training.evaluate`; do not edit. Shares are of drawings that no network learnt from, made into pictures as web makes
them: a digit that comes apart is misread. Unknown writers are {len(TEST_WRITERS)} people, each of whose digits was drawn {TIMES} times.

{_choice(models)}Where a wide piece of ink is cut in two (`shared/numbers.py`) was chosen on the writers of training and validation, and the figures were then made anew.

## What it is for

Reading a handwritten digit, or a number digit by digit, that a person drew on a canvas; not for cheques, forms, addresses or
anything where a misread digit costs more than a second look. It is unsure below a confidence of
{first["threshold"]}; a person should look at those.

## Models

{_models(models)}

{" ".join(_spread(facts) for facts in models if "spread" in facts)} The report of 2019 has 99.29 % for `seed`.

`{name}` learnt with seed {first["seed"]} in {first["epochs"]} epochs{_corrected(first)}; the best by validation, epoch {first["best_epoch"]}, is
kept. The logits are divided by a temperature of {first["temperature"]}, fitted on validation, so that confidence comes near the share right;
the threshold is the highest confidence that {_percent(COVERAGE)} of the validation digits reach. Calibration error is over MNIST's test set and the
unknown writers' drawings together; "sure" is of those drawings alone.

![learning](report/{name}-learning.png) ![reliability](report/{name}-reliability.png)
![coverage](report/{name}-coverage.png)

## By digit

{_by_digit(models)}

![confusion](report/{name}-confusion.png)
![mistakes](report/{name}-mistakes.png)

## Size and pen

Where on the canvas a digit stands changes nothing: the picture is made from the ink alone.

{_sizes(first)}

![sizes](report/{name}-sizes.png)

## No digit

What is no digit here is made in other ways than what the model learnt from: Bezier scribbles, filled and outlined shapes,
printed letters that are not like a digit (the letters of training, in other fonts). What comes apart, as a row of bars does, has the product of its
parts' confidence, and is sure when all of them are. AUROC is of the confidence, against the digits of unknown writers.

{_not_digits(models)}

## Numbers

{_numbers(models)}

{NUMBERS:,} of each kind, drawn on sheets as wide as they need, a third of them wider than the page's canvas, with pens of 8, 14 and 18 pixels.
{_other_writers(first)}
## Limits

- Writers: MNIST's are American; the pen strokes are of 30 people in one place. Other hands do worse, some much worse.
- Other numerals than 0 to 9 in their Western form, minus signs, points and fractions are not known.
- A drawing under a quarter of the canvas with a thick pen clogs; people cannot read all of those either.
- Digits that touch broadly, or are joined by a stroke, are taken for one picture and mostly for no digit.

## Files

{_files(models)}
"""


def data_card() -> str:
    """Return the data card, Markdown."""
    learnt, validation, test = by_writers(pen_digits())
    mnist = mnist_train()
    rows = [
        ["MNIST, learnt from", len(mnist), *np.bincount(mnist.labels)],
        ["MNIST, test", len(mnist_test()), *np.bincount(mnist_test().labels)],
        *[
            [f"pen strokes, {name}", len(part), *np.bincount([digit.label for digit in part])]
            for name, part in (("learnt from", learnt), ("validation", validation), ("test", test))
        ],
    ]
    files = [[f"`{name}`", f"`{digest}`"] for name, digest in digests().items()]
    return f"""# Data card

Written by `python -m training.evaluate`; do not edit. Sources and licences: [data/README.md](data/README.md).

{_table(["file", "SHA-256"], files)}

## Splits

MNIST's training file is split in its own order: the last {VALIDATION} are validation. Who wrote what is not in MNIST's files,
so validation may share writers with what is learnt from; test does not. The pen strokes are split by writer: validation are
writers {_names(VALIDATION_WRITERS)}, test are writers {_names(TEST_WRITERS)}, all others are learnt from.

{_table(["", "digits", *map(str, range(10))], rows)}

## What is made from them

Pen strokes are turned, slanted, stretched and waved, given habits that MNIST hardly has (zeros slashed or with ends that
stand out, ones with flag and foot, twos with a short base, threes with hardly a waist, open fours, fives with a loose bar,
crossed sevens, eights open at their top or begun at their waist, nines with straight, hooked or far swung tails), drawn with
a round pen of 9 to 26 pixels from 20 to 95 % of the canvas, and made into pictures by the function that serves. What is no digit is drawn in the same way: scribbles, shapes, letters in
stroke fonts, two or three digits side by side, crossed-out digits, specks. All pictures are then distorted anew in each
epoch: turned, slanted, stretched, shifted, bent, thickened or thinned, inked stronger or weaker; in the last eighth of the
epochs they are turned, slanted, stretched and bent half as much.

## Limits

Few left-handed, old, very young or unpractised hands are known to be in either set; nobody was asked for age, sex or
country, so how well each group is served cannot be told from these data.
"""


def _choice(models: Sequence[Facts]) -> str:
    """Return how the recipe of `default` was chosen, if that is among the models."""
    if not any(facts["architecture"] == "default" for facts in models):
        return ""
    return """Recipes were chosen on validation, with one exception: a later one (Muon instead of AdamW), which validation preferred by little,
was left out when its test figures were known and worse. So `default` is the better of two by these figures, which may
flatter it by as much as seeds differ. The test figures of the recipes before it had been seen, too, and what they misread.
"""


def _corrected(facts: Facts) -> str:
    count = facts.get("corrections")
    return f", people's corrections ({count:,} pictures) in every batch" if count else ""


def _models(models: Sequence[Facts]) -> str:
    rows = [
        [
            f"`{facts['architecture']}`",
            f"{facts['parameters']:,}",
            facts["megaflop"],
            _percent(facts["test"]["mnist"]["right"]),
            _percent(facts["test"]["writers"]["right"]),
            _percent(small(facts["test"])),
            _percent(facts["test"]["calibration_error"]),
            f"{_percent(facts['test']['sure']['coverage'])} / {_percent(facts['test']['sure']['wrong'])}",
        ]
        for facts in models
    ]
    heads = ["model", "parameters", "MFLOP", "MNIST test", "unknown writers", "small (25 %)", "calibration error"]
    return _table([*heads, "sure / of these wrong"], rows)


def _spread(facts: Facts) -> str:
    shares = facts["spread"]["mnist"]
    mean, deviation = statistics.mean(shares), statistics.stdev(shares)
    each = ", ".join(_percent(share) for share in shares)
    return (
        f"`{facts['architecture']}` from {len(shares)} seeds, MNIST test: mean {_percent(mean)}, standard deviation "
        f"{_percent(deviation)} ({each})."
    )


def _by_digit(models: Sequence[Facts]) -> str:
    rows = [
        [f"`{facts['architecture']}`, {name}", *[_percent(share, 1) for share in facts["test"][test]["by_class"]]]
        for facts in models
        for test, name in (("mnist", "MNIST test"), ("writers", "unknown writers"))
    ]
    return _table(["right, %", *map(str, range(10))], rows)


def _sizes(facts: Facts) -> str:
    sizes = facts["test"]["sizes"]
    pens = list(next(iter(sizes.values())))
    rows = [[f"{_percent(float(size), 0)}", *[_percent(sizes[size][pen], 1) for pen in pens]] for size in sizes]
    return _table(["longest side", *[f"pen {pen} px" for pen in pens]], rows)


def _not_digits(models: Sequence[Facts]) -> str:
    rows = [
        [
            f"`{facts['architecture']}`, {kind}",
            f"{share['auroc']:.3f}",
            *(_percent(share[name], 1) for name in ("taken_for_sure", "above_0.9")),
        ]
        for facts in models
        for kind, share in facts["test"]["not_digits"].items()
    ]
    return _table(["", "AUROC", "taken for a sure digit", "confidence above 0.9"], rows)


def _numbers(models: Sequence[Facts]) -> str:
    names = {"clear": "gaps of 6 to 25 px", "by_hand": "spaced as by hand, partly touching"}
    rows = [
        [
            f"`{facts['architecture']}`, {names[name]}",
            _percent(shares["count_right"], 1),
            _percent(shares["whole_right"], 1),
        ]
        for facts in models
        for name, shares in facts["test"]["numbers"].items()
    ]
    return _table(["two to four digits", "count right", "whole number right"], rows)


def _other_writers(facts: Facts) -> str:
    """Return how far the figures of test's few writers may be from other people's, if that was found out."""
    known = facts.get("crossvalidation")
    if not known:
        return ""
    shares, numbers = list(known["writers"].values()), known["numbers"]
    astray = 2 * statistics.stdev(shares) / len(TEST_WRITERS) ** 0.5
    clear, by_hand = (", ".join(_percent(share, 1) for share in numbers[name]) for name in ("clear", "by_hand"))
    return f"""
## Other writers

{len(TEST_WRITERS)} people are few. So `{facts["architecture"]}` was trained {len(numbers["clear"])} times more, for {known["epochs"]} epochs, each time without its share of the {len(shares)} writers that it
learns from, and judged on those (`python -m training.crossvalidate`). Of one writer's digits {_percent(statistics.mean(shares))} were read rightly on average, {_percent(min(shares))} at the worst,
with a standard deviation of {_percent(statistics.stdev(shares))} between writers: {len(TEST_WRITERS)} people's figure may be {_percent(astray)} off by who they are. Numbers with gaps of 6 to
25 px, in the order of the trainings: {clear}, on average {_percent(statistics.mean(numbers["clear"]), 1)}; spaced as by hand: {by_hand}, on average {_percent(statistics.mean(numbers["by_hand"]), 1)}.
Where ink is cut in two was chosen with these writers among others, which may flatter the last.
"""


def _files(models: Sequence[Facts]) -> str:
    rows = [[f"`{facts['version']}`", f"`{facts['sha256']}`"] for facts in models]
    libraries = ", ".join(f"{name} {version}" for name, version in models[0]["libraries"].items())
    return f"{_table(['version', 'SHA-256'], rows)}\n\nMade with {libraries}."


def _table(heads: list[str], rows: list[list[Any]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


def _percent(share: float, places: int = 2) -> str:
    return f"{100 * share:.{places}f} %"


def _names(writers: frozenset[int]) -> str:
    return ", ".join(map(str, sorted(writers)))
