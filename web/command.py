"""The command line: `quill predict`, `quill watch`, `quill doctor`."""

# First, since the other imports take a second.
import signal

if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # as an exception Ctrl-C would wait for the calls under way

import math
import sys
import time
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from itertools import count
from pathlib import Path

import click
import httpx

from web.client import AT_A_TIME, Client, QuillError, checked
from web.doctor import examine
from web.views import PredictionView, StatusView

LARGEST = 16 * 1024 * 1024  # bytes of a file that is read: uncompressed, the largest drawing takes half of them


def _address(_: click.Context, __: click.Parameter, text: str) -> str:
    try:
        return checked(text)
    except ValueError as error:
        raise click.BadParameter(str(error)) from error


def _seconds(_: click.Context, __: click.Parameter, seconds: float) -> float:
    if math.isnan(seconds):  # which no range of click's leaves out; nothing is ever later than it
        raise click.BadParameter("nan is no number of seconds")
    return seconds


ADDRESS = click.option(
    "--address", default="http://127.0.0.1:8000", show_default=True, callback=_address, help="Where Quill answers."
)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Use and watch Quill, the model behind a queue."""


@main.command()
@ADDRESS
@click.option(
    "--wait",
    type=click.FloatRange(0),
    callback=_seconds,
    default=60.0,
    show_default=True,
    help="Seconds to wait for the service, and for each answer.",
)
@click.argument("drawings", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
def predict(address: str, wait: float, drawings: tuple[Path, ...]) -> None:
    """Tell which digits are on DRAWINGS.

    They are PNG files; each gets a line as soon as it is known. What could not be read makes the exit status 1.
    """
    _tell_of_silence(address, wait)
    with Client(address, patience_s=wait) as client, ThreadPoolExecutor(AT_A_TIME) as pool:
        asked = {pool.submit(_predicted, client, drawing, wait): drawing for drawing in drawings}
        try:
            told = [_tell(asked[done], done) for done in as_completed(asked)]
        except httpx.ConnectError as error:  # nobody is there: the other drawings would fare no better
            raise _silence(address, error) from error
        finally:
            pool.shutdown(cancel_futures=True)
    sys.exit(0 if all(told) else 1)


@main.command()
@ADDRESS
@click.option("--times", type=click.IntRange(1), help="Lines to print; without it until Ctrl-C.")
def watch(address: str, times: int | None) -> None:
    """Print backlog, rate and workers each second."""
    try:
        with Client(address, patience_s=0) as client:
            for line in count(1):
                click.echo(_line(client.status()))
                if line == times:
                    return
                time.sleep(1)
    except httpx.ConnectError as error:
        raise _silence(address, error) from error
    except (QuillError, httpx.HTTPError) as error:
        raise click.ClickException(f"{error} ({address})") from error


@main.command()
def doctor() -> None:
    """Look for what is wrong, and name each cure.

    At this installation's settings, Redis, disk, store, model, workers and backlog. A fault makes the exit status 1.
    """
    faults = 0
    for finding in examine():
        click.echo(f"{finding.what}: {finding.fault or 'ok'}")
        if finding.fault:
            faults += 1
            click.echo(f"    cure: {finding.cure}")
    sys.exit(1 if faults else 0)


def _tell_of_silence(address: str, wait: float) -> None:
    try:
        with Client(address, patience_s=0) as client:
            client.status()
    except httpx.ConnectError:
        click.echo(f"Nobody answers at {address} yet; trying for {wait:.0f} s.", err=True)
    except (QuillError, httpx.HTTPError):
        pass  # whoever predicts is told


def _silence(address: str, error: httpx.ConnectError) -> click.ClickException:
    return click.ClickException(f"nobody answers at {address} ({error}): start Quill, or name it with --address")


def _predicted(client: Client, drawing: Path, seconds: float) -> PredictionView:
    with drawing.open("rb") as file:
        png = file.read(LARGEST + 1)
    if len(png) > LARGEST:
        raise OSError(f"no drawing has more than {LARGEST} bytes")
    return client.predict(png, seconds)


def _tell(drawing: Path, asked: Future[PredictionView]) -> bool:
    """Print the drawing's line; return whether it is an answer."""
    try:
        prediction = asked.result()
    except httpx.ConnectError:
        raise
    except (QuillError, OSError, httpx.HTTPError) as error:  # a file that cannot be read, an answer that is late, too
        click.echo(f"{drawing}: {error}", err=True)
        return False
    click.echo(f"{drawing}: {prediction.error or _read(prediction)}", err=bool(prediction.error))
    return not prediction.error


def _read(prediction: PredictionView) -> str:
    return f"{prediction.digits} ({prediction.confidence:.0%} sure{', doubtful' if prediction.unsure else ''})"


def _line(status: StatusView) -> str:
    oldest = "" if status.oldest_s is None else f", the oldest for {status.oldest_s:.1f} s"
    versions = ", ".join(sorted({worker.model_version for worker in status.workers})) or "none"
    workers = "1 worker" if len(status.workers) == 1 else f"{len(status.workers)} workers"
    return f"{status.backlog} wait{oldest}; {status.rate_per_s:.1f}/s; {workers} (model {versions})"


if __name__ == "__main__":
    try:
        main(prog_name="quill")
    except OSError as error:  # as from a full disk, where the output goes into a file
        sys.exit(f"quill: {error}")
