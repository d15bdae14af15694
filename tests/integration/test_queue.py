from typing import Any

import pytest
from pydantic import SecretStr
from redis import Redis
from redis.exceptions import ReadOnlyError

from shared.queue import redis_client
from shared.settings import Settings
from tests.services.redis import RedisServer

pytestmark = pytest.mark.integration


def set_key(redis: Redis) -> Any:
    return redis.set("key", "")


def count_in_a_pipeline(redis: Redis) -> Any:
    pipeline = redis.pipeline(transaction=False)
    pipeline.incr("key")
    return pipeline.execute()


@pytest.mark.parametrize("write", [set_key, count_in_a_pipeline])
def test_a_server_that_became_a_replica_is_left_for_the_one_that_its_address_leads_to_now(
    own_redis: RedisServer, write: Any
) -> None:
    redis = redis_client(Settings(redis_url=SecretStr(own_redis.url())))
    connection = redis.client_id()
    redis.replicaof("127.0.0.1", "1")
    with pytest.raises(ReadOnlyError):
        write(redis)
    assert redis.client_id() != connection
