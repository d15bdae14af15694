"""Start the web server: `python -m web`."""

import multiprocessing
import os
from tempfile import TemporaryDirectory

import click
from granian import Granian
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings

from shared import logs
from shared.settings import Settings, SettingsError
from web.metrics import FILES

DOOR_THREADS = 32  # beside those that may be waiting: they take new drawings
HEAD_BYTES = 16 * 1024  # of a request's head; a larger one is answered with 431


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8000, show_default=True, help="Port to listen on.")
@click.option("--processes", default=1, show_default=True, help="Processes that share the port.")
def main(host: str, port: int, processes: int) -> None:
    """Serve the page and the interface until SIGTERM.

    Settings come from QUILL_... variables, which `python -m shared.settings` lists. Logs go to standard error.
    """
    try:
        settings = Settings.from_env()
    except SettingsError as error:
        raise click.ClickException(str(error)) from error
    if processes == 1:
        _serve(settings, host, port, processes)
        return
    with TemporaryDirectory(prefix="quill-metrics-") as folder:
        os.environ.setdefault(FILES, folder)
        multiprocessing.set_start_method("spawn")  # a copy of this process would have made its counts without FILES
        _serve(settings, host, port, processes)


def _serve(settings: Settings, host: str, port: int, processes: int) -> None:
    threads = settings.waiting_limit + DOOR_THREADS
    Granian(
        "web:create_app",
        factory=True,
        interface=Interfaces.WSGI,
        http=HTTPModes.http1,  # to find out which it is, Granian would wait without end for a client that says nothing
        address=host,
        port=port,
        workers=processes,
        log_dictconfig=logs.CONFIGURATION,
        blocking_threads=threads,
        backpressure=4 * threads,  # connections of a process; else 1024 by all, and those who wait shut others out
        respawn_failed_workers=True,
        workers_kill_timeout=10,
        http1_settings=HTTP1Settings(header_read_timeout=10_000, max_buffer_size=HEAD_BYTES),
    ).serve()


if __name__ == "__main__":
    main()
