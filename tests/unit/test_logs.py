"""The logs: one JSON object a line, one line a job and side, never the drawing."""

import json
import logging

import pytest

from shared import logs
from shared.contract import PICTURE_BYTES, Job, new_id
from shared.settings import Settings
from shared.store import open_store
from web.intake import Intake

INK = bytes(range(256)) * 3 + bytes(16)


def lines(record: logging.LogRecord) -> list[dict[str, object]]:
    """Return a record's lines as a reader of logs sees them."""
    return [json.loads(line) for line in logs.formatter().format(record).splitlines()]


def line(record: logging.LogRecord) -> dict[str, object]:
    (line,) = lines(record)
    return line


def test_a_line_tells_when_who_and_what() -> None:
    told = line(
        logging.makeLogRecord({"name": "web", "levelname": "INFO", "levelno": 20, "msg": "%d of %s", "args": (1, "b")})
    )
    assert (told["level"], told["logger"], told["event"]) == ("info", "web", "1 of b")
    assert str(told["time"]).endswith("Z")


def test_an_exception_stays_within_its_line() -> None:
    with pytest.raises(ValueError, match="Expecting value") as caught:
        json.loads("two\nlines")
    error = caught.value
    exc_info = (type(error), error, error.__traceback__)
    record = logging.makeLogRecord({"levelname": "ERROR", "msg": "failed", "exc_info": exc_info})
    assert "\n" not in logs.formatter().format(record)
    assert "JSONDecodeError" in str(line(record)["exception"])


def test_each_accepted_job_has_a_line_without_its_ink(caplog: pytest.LogCaptureFixture, tmp_path: object) -> None:
    assert len(INK) == PICTURE_BYTES
    jobs = [Job(new_id(), (INK,), 1) for _ in range(2)]
    intake = Intake(open_store(Settings(store_url=f"sqlite:///{tmp_path}/q.db")), lambda _: None)
    with caplog.at_level(logging.INFO):
        intake.accept(jobs).result()
    intake.close()
    told = [line for record in caplog.records if record.message == "accepted" for line in lines(record)]
    assert [one["job"] for one in told] == [job.id for job in jobs]
    assert all(isinstance(one["ms"], int) and one["together"] == 2 for one in told)
    assert all(max(map(len, map(str, one.values()))) < 100 for one in told)
