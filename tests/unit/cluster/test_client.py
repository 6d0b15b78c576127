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


def test_url_of_an_unknown_scheme_is_refused() -> None:
    with pytest.raises(LocalError, match="store URL"):
        open_client("http://localhost")
