"""An address that nothing can be reached at is refused at the start, in one line with the cure."""

from pathlib import Path

import pytest

from shared.settings import Settings, SettingsError


@pytest.mark.parametrize(
    "url",
    [
        "sqlite:///var/quill.db",
        "sqlite:////srv/a folder/quill.db",
        "cassandra://node/quill",
        "cassandra://10.0.0.1:65535,node-2.example:9,node_3/quill_2",
        f"cassandra://{'n' * 63}.example./quill",
    ],
)
def test_the_address_of_a_store_is_taken(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUILL_STORE_URL", url)
    assert Settings.from_env().store_url == url


@pytest.mark.parametrize(
    "url",
    [
        "quill.db",
        "sqlite://quill.db",
        "sqlite:///",
        "sqlite:///:memory:",
        "cassandra://node",
        "cassandra:///quill",
        "cassandra://node:/quill",
        "cassandra://node:none/quill",
        "cassandra://node:0/quill",
        "cassandra://node:65536/quill",
        "cassandra://node,/quill",
        "cassandra://user:password@node/quill",
        "cassandra://[::1]:9042/quill",
        "cassandra://node/Quill",
        "cassandra://node/2quill",
        "cassandra://node/quill?x",
        "cassandra://node..example/quill",
        "cassandra://.node/quill",
        f"cassandra://{'n' * 64}.example/quill",
    ],
)
def test_what_is_no_store_is_refused_with_the_cure(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUILL_STORE_URL", url)
    with pytest.raises(SettingsError, match=r"QUILL_STORE_URL: .*write sqlite:///FILE or cassandra://HOST"):
        Settings.from_env()


@pytest.mark.parametrize(
    "url",
    [
        "redis://redis..example/0",
        f"redis://:secret@{'n' * 64}/0",
        "redis://127.0.0.1:none/0",
        "redis://127.0.0.1:0/0",
        "redis://127.0.0.1:65536/0",
        "redis://127.0.0.1:-1/0",
        "redis://quill:a;b@127.0.0.1/0",
        "redis://quill:a[b]c@127.0.0.1/0",
        "redis://127.0.0.1/0?socket_timeout=1",
        "redis://127.0.0.1/0?ssl_ca_certs=authority.pem",
        "rediss://127.0.0.1/0?",
        "rediss://127.0.0.1/0?ssl_cert_reqs=never",
        "rediss://127.0.0.1/0?ssl_ca_certs=authority.pem&db=1",
    ],
)
def test_what_is_no_redis_is_refused_with_the_cure(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUILL_REDIS_URL", url)
    with pytest.raises(SettingsError, match=r"QUILL_REDIS_URL: .*write redis://"):
        Settings.from_env()


def test_the_address_of_redis_tells_which_certificates_are_believed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "own.pem").touch()
    url = f"rediss://quill:secret@redis.example:6380/1?ssl_ca_certs={tmp_path}/own.pem&ssl_check_hostname=false"
    monkeypatch.setenv("QUILL_REDIS_URL", url)
    assert Settings.from_env().redis_url.get_secret_value() == url


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("QUILL_CASSANDRA_CA_FILE", "/nowhere/own.pem"),
        ("QUILL_REDIS_URL", "rediss://redis.example/0?ssl_check_hostname=true&ssl_ca_certs=/nowhere/own.pem"),
        ("QUILL_REDIS_URL", "rediss://redis.example/0?ssl_keyfile=/nowhere/own.pem"),
    ],
)
def test_a_certificate_that_cannot_be_read_is_told_by_its_name(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=rf"{name}: .*/nowhere/own.pem cannot be read: No such file or directory"):
        Settings.from_env()


def test_a_folder_of_secrets_that_is_none_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUILL_SECRETS_DIR", str(tmp_path / "nowhere"))
    with pytest.raises(SettingsError, match=r"QUILL_SECRETS_DIR: .*nowhere cannot be read: No such file or directory"):
        Settings.from_env()


def test_a_misspelt_secret_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "QUILL_APIKEY").write_text("sesame")
    monkeypatch.setenv("QUILL_SECRETS_DIR", str(tmp_path))
    with pytest.raises(SettingsError, match="unknown setting QUILL_APIKEY"):
        Settings.from_env()


@pytest.mark.parametrize("key", ["schlüssel", "two words", "line\nend"])
def test_a_key_that_no_client_can_send_is_refused(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUILL_API_KEY", key)
    with pytest.raises(SettingsError, match=r"QUILL_API_KEY: .*ASCII"):
        Settings.from_env()


@pytest.mark.parametrize("name", Settings.model_fields)
def test_an_empty_variable_is_the_default(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"QUILL_{name.upper()}", "")
    assert Settings.from_env() == Settings()
