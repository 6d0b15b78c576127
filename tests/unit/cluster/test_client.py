from __future__ import annotations

import pytest

from stentor.cluster.client import open_client
from stentor.core.errors import LocalError


async def test_memory_clients_of_one_name_share_their_data() -> None:
    one, two, other = open_client("memory://a"), open_client("memory://a"), open_client("memory://b")
    await one.set("key", "value")
    assert await two.get("key") == b"value"
    assert await other.get("key") is None
    for client in (one, two, other):
        await client.aclose()


@pytest.mark.parametrize("url", ["http://localhost", "redis+sentinel://localhost", "redis+sentinel://a,/n"])
def test_url_that_names_no_store_is_refused(url: str) -> None:
    with pytest.raises(LocalError, match="store URL"):
        open_client(url)


async def test_sentinel_url_gives_a_client_that_connects_when_it_is_used() -> None:
    client = open_client("redis+sentinel://:secret@127.0.0.1:1,127.0.0.1:2/main/3")
    assert client.get_connection_kwargs()["db"] == 3
    assert client.get_connection_kwargs()["password"] == "secret"
    await client.aclose()
