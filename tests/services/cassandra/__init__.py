"""A real Cassandra for tests: one that runs already, or one started from its jars."""

import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from string import Template
from tempfile import mkdtemp
from typing import Any

from cassandra.cluster import Cluster  # pyright: ignore[reportMissingTypeStubs] - the driver has none

from shared.store.cassandra_cluster import PROTOCOL
from tests.services.authority import Authority
from tests.services.need import missing
from tests.services.process import Process, free_port

HERE = Path(__file__).parent
PATIENCE_S = 60
TIMEOUT_S = 10  # cassandra_timeout_s of tests: a virtual machine may stand still for longer than the default
JARS = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "quill" / "cassandra-5.0.5"  # as in pom.xml
GUARD = "authenticator: PasswordAuthenticator\nauthorizer: CassandraAuthorizer\n"
# HOST:PORT to use instead of an own one; read at import, because conftest then clears what a developer has set.
RUNNING = os.environ.get("QUILL_TEST_CASSANDRA")


class CassandraServer:
    """A Cassandra node of 512 MiB on a free port, with its data in a folder; it may be killed and started again.

    Args:
        guarded: whether it asks for a password; its first user is cassandra, with that as password.

    Attributes:
        address: 127.0.0.1:PORT, the same after a new start.
        authority: who has signed the certificate that it shows those who speak TLS with it.
    """

    def __init__(self, folder: Path, *, guarded: bool = False) -> None:
        self._port, storage_port = free_port(), free_port()
        self.address = f"127.0.0.1:{self._port}"
        self._folder = folder
        self.authority = Authority(folder)
        template = Template((HERE / "cassandra.yaml").read_text())
        places = {"port": self._port, "storage_port": storage_port, "key_and_chain": self.authority.key_and_chain}
        config = template.substitute(places)
        (folder / "cassandra.yaml").write_text(config + (GUARD if guarded else ""))
        self.start()

    def start(self) -> None:
        """Start it on what its folder holds; it takes clients on return."""
        options = {
            "cassandra.config": f"file://{self._folder}/cassandra.yaml",
            "cassandra.storagedir": self._folder,
            "logback.configurationFile": HERE / "logback.xml",
        }
        command = ["java", f"@{HERE}/jvm.options", *(f"-D{name}={value}" for name, value in options.items())]
        command += ["-cp", f"{_jars()}/*", "org.apache.cassandra.service.CassandraDaemon"]
        self.process = Process("cassandra", command, self._folder / "cassandra.log")
        self.process.wait_until(self._listens, "Cassandra takes clients", seconds=120)

    def pause(self) -> None:
        """Stop it as a machine that hangs: its port still takes connections, and nothing answers."""
        self.process.send(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on."""
        self.process.send(signal.SIGCONT)

    def _listens(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self._port), timeout=1).close()
        except OSError:
            return False
        return True


@contextmanager
def connected(address: str, keyspace: str | None = None, **options: Any) -> Generator[Any]:
    """Yield a session of the driver's, which waits for a node that is slow today; options are those of its Cluster."""
    host, port = address.split(":")
    patience: dict[str, Any] = {"connect_timeout": PATIENCE_S, "control_connection_timeout": PATIENCE_S}
    cluster: Any = Cluster([host], int(port), protocol_version=PROTOCOL, **patience, **options)
    try:
        session = cluster.connect(keyspace)
        session.default_timeout = PATIENCE_S
        yield session
    finally:
        cluster.shutdown()


def empty(address: str, keyspace: str) -> None:
    """Remove all rows of the keyspace, where there is one yet."""
    with connected(address) as session:
        known = session.cluster.metadata.keyspaces.get(keyspace)
        for table in known.tables if known else ():
            session.execute(f"TRUNCATE {keyspace}.{table}")


def _jars() -> Path:
    """Return the folder of Cassandra's jars, fetched once for all checkouts of this user (66 MB)."""
    for program, package in {"java": "default-jre-headless", "mvn": "maven"}.items():
        if not shutil.which(program):
            missing(program, f"on Debian: apt install {package}; or name a Cassandra by QUILL_TEST_CASSANDRA=HOST:PORT")
    if not JARS.is_dir():
        JARS.parent.mkdir(parents=True, exist_ok=True)
        _fetch_into(Path(mkdtemp(dir=JARS.parent)))
    return JARS


def _fetch_into(folder: Path) -> None:
    command = ["mvn", "-q", "-B", "-f", HERE / "pom.xml", "dependency:copy-dependencies", f"-DoutputDirectory={folder}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=600)
    if done.returncode:
        shutil.rmtree(folder)
        missing("Cassandra", f"Maven could not fetch it: {done.stdout[-300:]}")
    try:
        folder.rename(JARS)  # whole at once, for others that look at this moment
    except OSError:  # another was quicker
        shutil.rmtree(folder)
