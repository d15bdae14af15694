"""The doctor finds each planted fault, on a real Redis and a real store, and names its cure."""

import json
import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable, Generator
from dataclasses import dataclass
from pathlib import Path

import pytest
from cassandra import RequestExecutionException  # pyright: ignore[reportMissingTypeStubs] - the driver has none
from cassandra.auth import PlainTextAuthProvider  # pyright: ignore[reportMissingTypeStubs] - see above
from cassandra.cluster import NoHostAvailable  # pyright: ignore[reportMissingTypeStubs] - see above
from click.testing import CliRunner
from redis import Redis

from shared.contract import PICTURE_BYTES, Job, new_id, now_ms
from shared.queue import tell_alive
from shared.settings import Settings
from shared.store import open_store
from tests.services.cassandra import CassandraServer, connected
from tests.services.process import free_port, wait_until
from web.command import main
from web.doctor import OLD_S, examine

pytestmark = pytest.mark.integration

MODEL = Path(__file__).parents[2] / "worker" / "models" / "default.keras"


@dataclass
class Patient:
    """An installation that is well until a test plants a fault in it."""

    folder: Path
    redis: Redis
    setting: Callable[[str, object], None]

    @property
    def model(self) -> Path:
        return self.folder / "default.keras"

    def told(self) -> str:
        """Return what the doctor says."""
        result = CliRunner().invoke(main, ["doctor"])
        assert result.exit_code == (1 if "cure:" in result.output else 0), result.output
        return result.output


@pytest.fixture
def patient(tmp_path: Path, redis_url: str, monkeypatch: pytest.MonkeyPatch) -> Generator[Patient]:
    def setting(name: str, value: object) -> None:
        monkeypatch.setenv(f"QUILL_{name.upper()}", str(value))

    for file in (MODEL, MODEL.with_suffix(".onnx"), MODEL.with_suffix(".json")):
        shutil.copy(file, tmp_path)
    setting("redis_url", redis_url)
    setting("store_url", f"sqlite:///{tmp_path}/quill.db")
    setting("model", tmp_path / "default.keras")
    with Redis.from_url(redis_url, decode_responses=True) as redis:
        tell_alive(redis, "w", {"model_version": json.loads(MODEL.with_suffix(".json").read_text())["version"]})
        yield Patient(tmp_path, redis, setting)


def test_a_healthy_installation_has_no_fault(patient: Patient) -> None:
    patient.setting("store_url", f"sqlite:///{patient.folder}/not yet/made/quill.db")
    told = patient.told()
    assert "cure" not in told
    assert told.splitlines() == [
        f"{what}: ok" for what in ("settings", "Redis", "disk", "store", "model", "workers", "backlog")
    ]


def test_a_drawing_that_has_just_come_is_no_fault(patient: Patient) -> None:
    waits(now_ms() - 1000 * OLD_S // 2)
    assert "cure" not in patient.told()


def waits(accepted_ms: int) -> None:
    open_store(Settings.from_env()).add([Job(new_id(), (bytes(PICTURE_BYTES),), accepted_ms)])


def test_with_onnx_the_exported_model_is_looked_at(patient: Patient) -> None:
    patient.setting("runtime", "onnx")
    patient.model.unlink()
    assert "cure" not in patient.told()
    patient.model.with_suffix(".onnx").write_bytes(b"x")
    assert "default.onnx is not what training wrote" in patient.told()


def misspelt(patient: Patient) -> None:
    patient.setting("modell", "x")


def wrong_value(patient: Patient) -> None:
    patient.setting("batch_limit", 0)


def queue_without_scheme(patient: Patient) -> None:
    patient.setting("redis_url", "127.0.0.1:6379")


def redis_down(patient: Patient) -> None:
    patient.setting("redis_url", f"redis://127.0.0.1:{free_port()}/0")


def wrong_password(patient: Patient) -> None:
    patient.redis.config_set("requirepass", "secret")


def forgetful_redis(patient: Patient) -> None:
    patient.redis.config_set("maxmemory-policy", "allkeys-lru")


def full_redis(patient: Patient) -> None:
    patient.redis.config_set("maxmemory", 1)


def no_worker(patient: Patient) -> None:
    patient.redis.delete("quill:worker:w")


def another_model_in_one_of_two_workers(patient: Patient) -> None:
    tell_alive(patient.redis, "v", {"model_version": "yesterday's"})


def no_model(patient: Patient) -> None:
    patient.model.unlink()


def changed_model(patient: Patient) -> None:
    patient.model.write_bytes(patient.model.read_bytes() + b"x")


def damaged_store(patient: Patient) -> None:
    (patient.folder / "quill.db").write_bytes(b"no database at all" * 100)


def store_in_a_wrong_place(patient: Patient) -> None:
    patient.setting("store_url", f"sqlite:///{MODEL}/quill.db")


def store_in_a_folder_that_no_disk_can_name(patient: Patient) -> None:
    patient.setting("store_url", f"sqlite:///{patient.folder}/{'x' * 300}/quill.db")


def old_backlog(patient: Patient) -> None:
    waits(now_ms() - 3_600_000)


FAULTS: dict[Callable[[Patient], None], tuple[str, str]] = {
    misspelt: ("settings: unknown setting QUILL_MODELL", "python -m shared.settings"),
    queue_without_scheme: ("settings: wrong setting QUILL_REDIS_URL", "python -m shared.settings"),
    wrong_value: ("settings: wrong setting QUILL_BATCH_LIMIT", "python -m shared.settings"),
    redis_down: ("Redis: does not answer", "start Redis"),
    wrong_password: ("Redis: refuses the password", "put its password into QUILL_REDIS_URL"),
    forgetful_redis: ("Redis: may throw messages away", "noeviction"),
    full_redis: ("Redis: takes no messages: command not allowed when used memory", "make room"),
    no_worker: ("workers: none is alive", "python -m worker"),
    another_model_in_one_of_two_workers: ("workers: hold other models", "start them anew"),
    no_model: ("cannot be read (No such file or directory)", "python -m training"),
    changed_model: ("model: ", "python -m training"),
    damaged_store: ("store: SQLite", "mend what it says"),
    store_in_a_wrong_place: ("store: SQLite", "correct QUILL_STORE_URL"),
    store_in_a_folder_that_no_disk_can_name: ("disk: OSError: ", "correct the setting that names it"),
    old_backlog: ("backlog: the oldest drawing has waited", "start more workers"),
}


@pytest.mark.parametrize("plant", FAULTS, ids=lambda plant: plant.__name__)
def test_a_planted_fault_is_found_and_its_cure_named(
    patient: Patient, plant: Callable[[Patient], None], request: pytest.FixtureRequest
) -> None:
    for name, value in (("requirepass", ""), ("maxmemory-policy", "noeviction"), ("maxmemory", "0")):
        request.addfinalizer(lambda name=name, value=value: patient.redis.config_set(name, value))
    plant(patient)
    fault, cure = FAULTS[plant]
    told = patient.told()
    assert fault in told
    assert cure in told.partition(fault)[2].splitlines()[1]


def test_what_cannot_be_asked_while_something_else_is_away_is_no_fault_of_its_own(patient: Patient) -> None:
    redis_down(patient)
    store_in_a_wrong_place(patient)
    told = patient.told()
    for what in ("workers", "backlog"):
        assert (
            told.partition(f"{what}: cannot be asked: ")[2].splitlines()[1].endswith("first cure what is found above")
        )


def test_a_full_disk_is_found_and_its_cure_named(patient: Patient) -> None:
    """A limit on the size of files stands for the disk's end, in a process of its own."""
    open_store(Settings.from_env()).ping()

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))

    run = subprocess.run(
        [sys.executable, "-m", "web.command", "doctor"],
        preexec_fn=limit,
        env=os.environ,
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 1, run.stderr
    assert "store: SQLite" in run.stdout
    assert "cure: mend what it says" in run.stdout


def test_a_disk_that_is_nearly_full_is_found(patient: Patient) -> None:
    findings = {finding.what: finding for finding in examine(room=shutil.disk_usage(patient.folder).total + 1)}
    assert "MB are left" in (findings["disk"].fault or "")
    assert "make room" in findings["disk"].cure


def test_a_cassandra_that_is_well_has_no_fault(patient: Patient, cassandra_url: str) -> None:
    patient.setting("store_url", cassandra_url)
    wait_until(lambda: "store: ok\n" in patient.told(), "its tables are there", seconds=120)
    assert "backlog: ok\n" in patient.told()


def no_cassandra(patient: Patient, address: str) -> None:
    patient.setting("store_url", f"cassandra://127.0.0.1:{free_port()}/quill_test")


def another_data_centre(patient: Patient, address: str) -> None:
    patient.setting("store_url", f"cassandra://{address}/quill_test")
    patient.setting("cassandra_datacenter", "the moon")


def more_copies_than_nodes(patient: Patient, address: str) -> None:
    patient.setting("store_url", f"cassandra://{address}/quill_three")
    patient.setting("cassandra_replication_factor", 3)
    patient.setting("cassandra_consistency", "QUORUM")


def no_password(patient: Patient, address: str) -> None:
    patient.setting("store_url", f"cassandra://{address}/quill_test")


def another_password(patient: Patient, address: str) -> None:
    no_password(patient, address)
    patient.setting("cassandra_username", "guest")
    patient.setting("cassandra_password", "guess")


def no_right_to_make_tables(patient: Patient, address: str) -> None:
    another_password(patient, address)
    patient.setting("cassandra_password", "secret")


@pytest.fixture(scope="module")
def guarded_cassandra(tmp_path_factory: pytest.TempPathFactory) -> Generator[str]:
    """Give the address of a Cassandra that knows a guest, who has a password and no rights."""
    server = CassandraServer(tmp_path_factory.mktemp("guarded"), guarded=True)
    first = PlainTextAuthProvider("cassandra", "cassandra")

    def guest_is_made() -> bool:
        try:
            with connected(server.address, auth_provider=first) as session:
                session.execute("CREATE ROLE IF NOT EXISTS guest WITH PASSWORD = 'secret' AND LOGIN = true")
        except (NoHostAvailable, RequestExecutionException):  # the first user is not there yet
            return False
        return True

    try:
        wait_until(guest_is_made, "there is a guest", seconds=120)
        yield server.address
    finally:
        server.process.kill()


CASSANDRA_FAULTS: dict[Callable[[Patient, str], None], str] = {
    no_cassandra: "refused",
    another_data_centre: "no node of data centre the moon (see QUILL_CASSANDRA_DATACENTER)",
    more_copies_than_nodes: "Cannot achieve consistency level",
    no_password: "(see QUILL_CASSANDRA_USERNAME and QUILL_CASSANDRA_PASSWORD)",
    another_password: "(see QUILL_CASSANDRA_USERNAME and QUILL_CASSANDRA_PASSWORD)",
    no_right_to_make_tables: "guest has no CREATE permission",
}


@pytest.mark.parametrize("plant", CASSANDRA_FAULTS, ids=lambda plant: plant.__name__)
def test_a_fault_of_cassandra_is_found_and_its_cure_named(
    patient: Patient, plant: Callable[[Patient, str], None], request: pytest.FixtureRequest
) -> None:
    if plant in {no_password, another_password, no_right_to_make_tables}:
        address = request.getfixturevalue("guarded_cassandra")
    else:
        address = request.getfixturevalue("cassandra_url").split("/")[2]
    plant(patient, address)

    def told() -> str:
        """Return the doctor's line on the store and the one after, once it is about more than a slow start."""
        _, _, rest = patient.told().partition("store: Cassandra at ")
        return "" if "still trying" in rest else rest

    fault, cure = wait_until(told, "the fault is found", seconds=120).splitlines()[:2]
    assert CASSANDRA_FAULTS[plant] in fault
    assert "correct QUILL_STORE_URL" in cure
