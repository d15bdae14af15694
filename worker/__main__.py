"""Start one worker: `python -m worker`."""

import logging
import os
import socket
import sys
from pathlib import Path

import click

from shared.settings import Settings, SettingsError
from shared.store import open_store
from worker.app import Worker
from worker.classifier import ModelError, load_classifier


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--name", default=f"worker@{socket.gethostname()}-{os.getpid()}", help="Name of this worker, unique.")
@click.option("--beat", type=Path, help="File touched every second while this worker makes progress, for a probe.")
def main(name: str, beat: Path | None) -> None:
    """Classify what waits in the queue until SIGTERM, then finish what is held.

    Start as many as there are cores; they share the work. Settings come from QUILL_... variables, which
    `python -m shared.settings` lists. Logs go to standard error.
    """
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    try:
        settings = Settings.from_env()
        classifier = load_classifier(settings.model, runtime=settings.runtime, threads=settings.model_threads)
    except (SettingsError, ModelError) as error:
        raise click.ClickException(str(error)) from error
    sys.exit(Worker(settings, classifier, open_store(settings), name=name).run(beat))


if __name__ == "__main__":
    main()
