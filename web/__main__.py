"""Start the web server: `python -m web`."""

# ruff: noqa: E402 - the other imports take seconds
import os
import signal

# As the first process of a container this one would ignore what it has no handler for. Nothing is held yet.
signal.signal(signal.SIGTERM, lambda _number, _frame: os._exit(0))

import multiprocessing
from tempfile import TemporaryDirectory

import click

from shared.listening import PortError, check_port
from shared.settings import Settings, SettingsError
from web.metrics import FILES
from web.serving import serve


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--host", default="127.0.0.1", show_default=True, help="Address or name to listen on.")
@click.option("--port", type=click.IntRange(1, 65535), default=8000, show_default=True, help="Port to listen on.")
@click.option(
    "--processes", type=click.IntRange(1), default=1, show_default=True, help="Processes that share the port."
)
def main(host: str, port: int, processes: int) -> None:
    """Serve the page and the interface until SIGTERM.

    Settings come from QUILL_... variables, which `python -m shared.settings` lists. Logs go to standard error.
    """
    try:
        settings = Settings.from_env()
        address = check_port(host, port, "--port")
    except (SettingsError, PortError) as error:
        raise click.ClickException(str(error)) from error
    if processes == 1:
        serve(settings, address, port, processes)
        return
    with TemporaryDirectory(prefix="quill-metrics-") as folder:
        os.environ.setdefault(FILES, folder)
        multiprocessing.set_start_method("spawn")  # a copy of this process would have made its counts without FILES
        serve(settings, address, port, processes)


if __name__ == "__main__":
    main()
