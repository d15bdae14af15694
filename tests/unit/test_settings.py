"""An address that nothing can be reached at is refused at the start, in one line with the cure."""

import pytest

from shared.settings import Settings, SettingsError


@pytest.mark.parametrize(
    "url",
    [
        "sqlite:///var/quill.db",
        "sqlite:////srv/a folder/quill.db",
        "cassandra://node/quill",
        "cassandra://10.0.0.1:65535,node-2.example:9,node_3/quill_2",
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
    ],
)
def test_what_is_no_store_is_refused_with_the_cure(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUILL_STORE_URL", url)
    with pytest.raises(SettingsError, match=r"QUILL_STORE_URL: .*write sqlite:///FILE or cassandra://HOST"):
        Settings.from_env()


@pytest.mark.parametrize(
    "url",
    [
        "redis://127.0.0.1:none/0",
        "redis://127.0.0.1:0/0",
        "redis://127.0.0.1:65536/0",
        "redis://127.0.0.1:-1/0",
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


def test_the_address_of_redis_tells_which_certificates_are_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    url = "rediss://quill:secret@redis.example:6380/1?ssl_ca_certs=/etc/ssl/own.pem&ssl_check_hostname=false"
    monkeypatch.setenv("QUILL_REDIS_URL", url)
    assert Settings.from_env().redis_url.get_secret_value() == url
