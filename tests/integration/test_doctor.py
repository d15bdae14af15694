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
from click.testing import CliRunner
from redis import Redis

from shared.contract import PICTURE_BYTES, Job, new_id
from shared.queue import tell_alive
from shared.settings import Settings
from shared.store import open_store
from tests.services.process import free_port
from tests.services.redis import RedisServer
from web import doctor
from web.command import main

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
def patient(
    tmp_path: Path, redis_server: RedisServer, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> Generator[Patient]:
    def setting(name: str, value: object) -> None:
        monkeypatch.setenv(f"QUILL_{name.upper()}", str(value))

    for file in (MODEL, MODEL.with_suffix(".json")):
        shutil.copy(file, tmp_path)
    setting("redis_url", redis_url)
    setting("store_url", f"sqlite:///{tmp_path}/quill.db")
    setting("model", tmp_path / "default.keras")
    with Redis.from_url(redis_url, decode_responses=True) as redis:
        tell_alive(redis, "w", {"model_version": json.loads(MODEL.with_suffix(".json").read_text())["version"]})
        yield Patient(tmp_path, redis, setting)


def test_a_healthy_installation_has_no_fault(patient: Patient) -> None:
    told = patient.told()
    assert "cure" not in told
    assert told.splitlines() == [
        f"{what}: ok" for what in ("settings", "Redis", "disk", "store", "model", "workers", "backlog")
    ]


def misspelt(patient: Patient) -> None:
    patient.setting("modell", "x")


def wrong_value(patient: Patient) -> None:
    patient.setting("batch_limit", 0)


def redis_down(patient: Patient) -> None:
    patient.setting("redis_url", f"redis://127.0.0.1:{free_port()}/0")


def wrong_password(patient: Patient) -> None:
    patient.redis.config_set("requirepass", "secret")


def forgetful_redis(patient: Patient) -> None:
    patient.redis.config_set("maxmemory-policy", "allkeys-lru")


def no_worker(patient: Patient) -> None:
    patient.redis.delete("quill:worker:w")


def another_model_in_the_worker(patient: Patient) -> None:
    tell_alive(patient.redis, "w", {"model_version": "yesterday's"})


def no_model(patient: Patient) -> None:
    patient.model.unlink()


def changed_model(patient: Patient) -> None:
    patient.model.write_bytes(patient.model.read_bytes() + b"x")


def damaged_store(patient: Patient) -> None:
    (patient.folder / "quill.db").write_bytes(b"no database at all" * 100)


def store_in_a_wrong_place(patient: Patient) -> None:
    patient.setting("store_url", f"sqlite:///{MODEL}/quill.db")


def old_backlog(patient: Patient) -> None:
    open_store(Settings.from_env()).add([Job(new_id(), (bytes(PICTURE_BYTES),), 1)])


FAULTS: dict[Callable[[Patient], None], tuple[str, str]] = {
    misspelt: ("settings: unknown setting QUILL_MODELL", "python -m shared.settings"),
    wrong_value: ("settings: wrong setting QUILL_BATCH_LIMIT", "python -m shared.settings"),
    redis_down: ("Redis: does not answer", "start Redis"),
    wrong_password: ("Redis: refuses the password", "put its password into QUILL_REDIS_URL"),
    forgetful_redis: ("Redis: may throw messages away", "noeviction"),
    no_worker: ("workers: none is alive", "python -m worker"),
    another_model_in_the_worker: ("workers: hold other models", "start them anew"),
    no_model: ("model: cannot be read", "make train"),
    changed_model: ("model: ", "make train"),
    damaged_store: ("store: SQLite", "mend what it says"),
    store_in_a_wrong_place: ("store: SQLite", "correct QUILL_STORE_URL"),
    old_backlog: ("backlog: the oldest drawing has waited", "start more workers"),
}


@pytest.mark.parametrize("plant", FAULTS, ids=lambda plant: plant.__name__)
def test_a_planted_fault_is_found_and_its_cure_named(
    patient: Patient, plant: Callable[[Patient], None], request: pytest.FixtureRequest
) -> None:
    for name, value in (("requirepass", ""), ("maxmemory-policy", "noeviction")):
        request.addfinalizer(lambda name=name, value=value: patient.redis.config_set(name, value))
    plant(patient)
    fault, cure = FAULTS[plant]
    told = patient.told()
    assert f"{fault}" in told
    assert cure in told.partition(fault)[2].splitlines()[1]


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


def test_a_disk_that_is_nearly_full_is_found(patient: Patient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "ROOM", shutil.disk_usage(patient.folder).total + 1)
    told = patient.told()
    assert "MB are left" in told
    assert "make room" in told
