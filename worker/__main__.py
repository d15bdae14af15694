"""Start one worker: `python -m worker`."""

# ruff: noqa: E402 - the other imports take seconds
import os
import signal

# As the first process of a container this one would ignore what it has no handler for. Nothing is held yet.
signal.signal(signal.SIGTERM, lambda _number, _frame: os._exit(0))

import socket
import sys
from pathlib import Path

import click
from prometheus_client import start_http_server

from shared import logs
from shared.listening import PortError, check_port
from shared.model_file import ModelError
from shared.settings import Settings, SettingsError
from shared.store import open_store
from worker.app import Worker
from worker.classifier import load_classifier
from worker.counts import REGISTRY


def _in_a_folder(_: click.Context, __: click.Parameter, file: Path | None) -> Path | None:
    if file and not (file.parent.is_dir() and os.access(file.parent, os.W_OK)):
        raise click.BadParameter(f"{file.parent} is no folder to write into")
    return file


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--name", default=f"worker@{socket.gethostname()}-{os.getpid()}", help="Name of this worker, unique.")
@click.option(
    "--beat",
    type=Path,
    callback=_in_a_folder,
    help="File touched every second while this worker makes progress, for a probe.",
)
@click.option(
    "--metrics-port",
    type=click.IntRange(1, 65535),
    help="Port that shows this worker's metrics to Prometheus; none without it.",
)
@click.option("--metrics-host", default="127.0.0.1", show_default=True, help="Address of that port.")
def main(name: str, beat: Path | None, metrics_port: int | None, metrics_host: str) -> None:
    """Classify what waits in the queue until SIGTERM, then finish what is held.

    Start as many as there are cores; they share the work. Settings come from QUILL_... variables, which
    `python -m shared.settings` lists. Logs go to standard error.
    """
    logs.configure()
    try:
        settings = Settings.from_env()
        if metrics_port:
            check_port(metrics_host, metrics_port, "--metrics-port")
        classifier = load_classifier(settings.model, runtime=settings.runtime, threads=settings.model_threads)
    except (SettingsError, PortError, ModelError) as error:
        raise click.ClickException(str(error)) from error
    if metrics_port:
        start_http_server(metrics_port, metrics_host, REGISTRY)
    sys.exit(Worker(settings, classifier, open_store(settings), name=name).run(beat))


if __name__ == "__main__":
    main()
