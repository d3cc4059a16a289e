"""The Model Context Protocol's own client against the service under gunicorn."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from mcp import Client
from mcp.types import TextContent

from tests.service import CREDIT_ROW, Service, build, serve


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("mcp") / "models"
    build(folder, "--set", "n_estimators=10")
    with serve(folder, WEB_CONCURRENCY="2") as running:
        yield running


async def use(url: str, mode: Any) -> tuple[Any, ...]:
    async with Client(f"{url}/mcp", mode=mode) as client:
        listed = await client.list_tools()
        names = [tool.name for tool in listed.tools]
        good = await client.call_tool("predict_credit", CREDIT_ROW)
        bad = await client.call_tool("predict_credit", CREDIT_ROW | {"age": "old"})
        told = await client.call_tool("describe_credit", {})
        why = await client.call_tool("explain_credit", CREDIT_ROW)
        return client.protocol_version, names, good, bad, told, why


@pytest.mark.parametrize(
    ("mode", "version"),
    [("auto", "2026-07-28"), ("2026-07-28", "2026-07-28"), ("legacy", "2025-11-25")],
)
def test_the_protocols_own_client_lists_and_calls(service, mode, version):
    spoken, names, good, bad, told, why = asyncio.run(use(service.url, mode))
    assert (spoken, names) == (version, ["predict_credit", "explain_credit", "describe_credit"])
    assert good.structured_content["prediction"]["value"] in (True, False)
    assert not good.is_error
    assert bad.is_error
    assert isinstance(bad.content[0], TextContent)
    assert "age: expected integer" in bad.content[0].text
    assert told.structured_content["name"] == "credit"
    explained = why.structured_content["prediction"]
    given = explained["explanation"]
    assert set(given["contributions"]) == set(CREDIT_ROW)
    score = given["baseline"] + sum(given["contributions"].values())
    assert explained["probabilities"]["true"] == pytest.approx(score, abs=1e-5)
