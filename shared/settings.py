"""Every setting of every Quill process: read from QUILL_... variables, listed by `python -m shared.settings`."""

import os
import re
import sys
from pathlib import Path
from typing import Literal
from urllib.parse import unquote

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from shared.model_file import Runtime

PREFIX = "QUILL_"
SECRETS_DIR = "QUILL_SECRETS_DIR"
PORT = r":([1-9]\d{0,3}|[1-5]\d{4}|6[0-4]\d{3}|65[0-4]\d\d|655[0-2]\d|6553[0-5])"
LABEL = r"[^][/?#@:,.\s]{1,63}"  # of a host's name, between dots: what is longer, or empty, Python cannot even look up
HOST = rf"{LABEL}(\.{LABEL})*\.?"
NODE = rf"{HOST}({PORT})?"
STORE_URL = rf"sqlite:///(?!:memory:).+|cassandra://{NODE}(,{NODE})*/[a-z][a-z0-9_]{{0,47}}"
REDIS = rf"//([^][;/?#]*@)?({HOST}|\[[\da-fA-F:]+\])({PORT})?(/\d*)?"
TLS_OPTION = r"ssl_((ca_certs|certfile|keyfile)=[^&]+|cert_reqs=(required|optional|none)|check_hostname=(true|false))"
TLS_FILE = r"[?&]ssl_(?:ca_certs|certfile|keyfile)=([^&]+)"
REDIS_URL = rf"redis:{REDIS}|rediss:{REDIS}(\?{TLS_OPTION}(&{TLS_OPTION})*)?"


class SettingsError(ValueError):
    """Raised when the environment holds a setting that is unknown or has a wrong value; the text tells which."""


class Settings(BaseSettings):
    """The settings, each with its default for one machine, its unit and its meaning."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_ignore_empty=True, frozen=True, secrets_dir=os.environ.get(SECRETS_DIR)
    )

    store_url: str = Field(
        default="sqlite:///var/quill.db",
        description="where predictions live: sqlite:///FILE or cassandra://HOST[:PORT][,HOST...]/KEYSPACE",
    )
    redis_url: SecretStr = Field(
        default=SecretStr("redis://127.0.0.1:6379/0"), description="the queue, with its password; rediss:// for TLS"
    )
    model: Path = Field(
        default=Path("worker/models/default.keras"), description="the model file; its figures and SHA-256 lie beside it"
    )
    runtime: Runtime = Field(
        default="tensorflow", description="what computes: onnx is the same model, exported; lighter and faster"
    )
    model_threads: int = Field(default=1, ge=1, le=64, description="cores that one call of the model may use")
    batch_limit: int = Field(
        default=64,
        ge=1,
        le=512,
        description="most drawings in one model call; those of one message, up to 64, stay together all the same",
    )
    visibility_s: int = Field(
        default=30, ge=5, le=3600, description="seconds after which Redis hands a dead worker's messages to another"
    )
    max_attempts: int = Field(
        default=5, ge=1, le=100, description="model calls begun for a job before it is given up as failed"
    )
    hang_s: float = Field(
        default=20.0, gt=0, description="seconds that one model call may take before the worker restarts"
    )
    retention_days: int = Field(default=30, ge=1, le=3650, description="days that predictions are kept")
    body_limit: int = Field(default=1_048_576, ge=10_000, description="bytes of the largest request body")
    backlog_limit: int = Field(
        default=10_000, ge=1, description="drawings accepted and not yet answered, above which more are refused (503)"
    )
    client_limit: int = Field(
        default=60_000,
        ge=1,
        description="drawings that one client, told by its address, may send a minute and web process (429 above)",
    )
    trusted_proxies: int = Field(
        default=0, ge=0, le=8, description="reverse proxies in front, whose X-Forwarded-For is believed"
    )
    waiting_limit: int = Field(
        default=256, ge=1, le=4096, description="clients of one web process that may wait for an answer at a time"
    )

    api_key: SecretStr = Field(
        default=SecretStr(""), description="the key that reads the history and the corrections; empty, anybody may"
    )

    cassandra_username: str = Field(default="", description="Cassandra's user, empty for none")
    cassandra_password: SecretStr = Field(default=SecretStr(""), description="the password of that user")
    cassandra_ca_file: Path | None = Field(default=None, description="certificate authority; set, it turns TLS on")
    cassandra_datacenter: str = Field(default="datacenter1", description="the data centre whose nodes are asked")
    cassandra_consistency: Literal["ONE", "QUORUM", "LOCAL_QUORUM"] = Field(
        default="LOCAL_QUORUM", description="how many replicas answer for a read or a write"
    )
    cassandra_timeout_s: int = Field(
        default=2, ge=1, le=10, description="seconds that Cassandra may take for an answer, or for a connection"
    )
    cassandra_replication_class: Literal["SimpleStrategy", "NetworkTopologyStrategy"] = Field(
        default="NetworkTopologyStrategy", description="how the keyspace is replicated when Quill creates it"
    )
    cassandra_replication_factor: int = Field(default=1, ge=1, le=9, description="copies of each row; 3 in production")

    @field_validator("store_url")
    @classmethod
    def _is_store(cls, url: str) -> str:
        """Refuse what Cassandra's driver would refuse later, at each call."""
        if not re.fullmatch(STORE_URL, url, re.ASCII):
            raise ValueError(
                "write sqlite:///FILE or cassandra://HOST[:PORT][,HOST...]/KEYSPACE, the keyspace in lower case, "
                "no part of a host's name empty or longer than 63 characters"
            )
        return url

    @field_validator("redis_url")
    @classmethod
    def _is_redis(cls, url: SecretStr) -> SecretStr:
        """Refuse what redis-py and Celery would refuse later, each in its own way, or take for another database."""
        if not re.fullmatch(REDIS_URL, url.get_secret_value(), re.ASCII):
            raise ValueError(
                "write redis://[USER:PASSWORD@]HOST[:PORT]/DATABASE, signs in the password as %XX; for TLS rediss://, "
                "and ?ssl_ca_certs=FILE where no authority that this machine knows has signed; no part of a host's "
                "name empty or longer than 63 characters"
            )
        for file in re.findall(TLS_FILE, url.get_secret_value()):
            _check_readable(Path(unquote(file)))
        return url

    @field_validator("cassandra_ca_file")
    @classmethod
    def _is_authority(cls, file: Path | None) -> Path | None:
        """Refuse what Cassandra's driver would tell later, at each call and without the file's name."""
        if file:
            _check_readable(file)
        return file

    @field_validator("api_key")
    @classmethod
    def _is_key(cls, key: SecretStr) -> SecretStr:
        """Refuse what no client could send in a header, which would lock everybody out."""
        if not re.fullmatch(r"[!-~]*", key.get_secret_value()):
            raise ValueError("take letters, digits and signs of ASCII, without spaces")
        return key

    @classmethod
    def from_env(cls) -> "Settings":
        """Return the settings that the environment gives.

        Raises:
            SettingsError: for a QUILL_ variable or file that no setting has, and for a wrong value.
        """
        known = {f"{PREFIX}{name.upper()}" for name in cls.model_fields} | {SECRETS_DIR}
        given = [*os.environ, *_secrets()]
        unknown = sorted(name for name in given if name.startswith(PREFIX) and name not in known)
        if unknown:
            raise SettingsError(f"unknown setting {', '.join(unknown)}; `python -m shared.settings` lists all")
        try:
            return cls()
        except ValidationError as error:
            wrong = "; ".join(f"{PREFIX}{str(e['loc'][0]).upper()}: {e['msg']}" for e in error.errors())
            raise SettingsError(f"wrong setting {wrong}") from error


def _check_readable(file: Path) -> None:
    try:
        file.open("rb").close()
    except OSError as error:
        raise ValueError(f"{file} cannot be read: {error.strerror}") from error


def _secrets() -> list[str]:
    """Return the names of the files in the folder of secrets, where there is one."""
    folder = os.environ.get(SECRETS_DIR)
    try:
        return [file.name for file in Path(folder).iterdir()] if folder else []
    except OSError as error:
        raise SettingsError(f"{SECRETS_DIR}: {folder} cannot be read: {error.strerror}") from error


def listing() -> str:
    """Return a Markdown table of all settings, as the README shows it."""
    rows = ["| variable | default | meaning |", "| --- | --- | --- |"]
    for name, field in Settings.model_fields.items():
        default = field.default.get_secret_value() if isinstance(field.default, SecretStr) else field.default
        rows.append(f"| `{PREFIX}{name.upper()}` | `{default if default is not None else ''}` | {field.description} |")
    return "\n".join(rows)


if __name__ == "__main__":
    sys.stdout.write(listing() + "\n")
