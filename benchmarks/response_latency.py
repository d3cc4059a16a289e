"""How long one request after the other takes to be answered.

`python benchmarks/response_latency.py --url http://127.0.0.1:8000 --model iris`
asks a running service for predictions, each about another row made up from the
live model's own signature, and prints the median, the 95th percentile and the
maximum. Needs nothing but the standard library (and tqdm, for the bar).
"""

from __future__ import annotations

import argparse
import http.client
import json
import random
import sys
from collections.abc import Iterator, Mapping, Sequence
from time import perf_counter
from typing import Any, NamedTuple
from urllib.parse import urlsplit

TIMEOUT = 60.0


class Refused(Exception):
    """The service does not answer as it should; the text says what came instead."""


class Latency(NamedTuple):
    """Milliseconds."""

    median: float
    percentile_95: float
    maximum: float


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, and return the exit code."""
    options = parse(arguments)
    connection = connect(options.url)
    headers = {"Authorization": f"Bearer {options.key}"} if options.key else {}
    prefix = urlsplit(options.url).path.rstrip("/") + base(options.model)
    try:
        schema = read_signature(connection, f"{prefix}/model_info", headers)
        bodies = rows(schema, options.requests, options.seed)
        seconds = [
            time_one(connection, f"{prefix}/predict", row, headers)
            for row in with_bar(bodies, options.requests)
        ]
    except (OSError, http.client.HTTPException, Refused) as error:
        print(f"response_latency: {options.url}: {error}", file=sys.stderr)
        return 1
    print(told(summarise(seconds), len(seconds)))
    return 0


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("--url", default="http://127.0.0.1:8000")
    parser.add_argument("--model", help="default: the one that /v0/predict answers with")
    parser.add_argument("--requests", type=positive, default=1000)
    parser.add_argument("--key", help="an API key, where the service asks for one")
    parser.add_argument("--seed", type=int, default=0, help="of the rows that are made up")
    return parser.parse_args(arguments)


def positive(text: str) -> int:
    """Return a whole number above zero; raises ValueError."""
    if (value := int(text)) < 1:
        raise ValueError(text)
    return value


def base(model: str | None) -> str:
    """Return the path under which a model predicts and tells of itself; None: the default one."""
    return f"/v0/models/{model}" if model else "/v0"


def connect(url: str) -> http.client.HTTPConnection:
    """Return a connection, kept alive, to the service at a URL."""
    parts = urlsplit(url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    return kind(parts.hostname or "127.0.0.1", parts.port, timeout=TIMEOUT)


def read_signature(
    connection: http.client.HTTPConnection, path: str, headers: Mapping[str, str]
) -> dict[str, Any]:
    """Return the live model's signature; raises Refused."""
    connection.request("GET", path, headers=dict(headers))
    found: dict[str, Any] = json.loads(answer(connection, path))["signature"]
    return found


def answer(connection: http.client.HTTPConnection, path: str) -> bytes:
    """Return the body of the answer that is due; raises Refused unless its status is 200."""
    response = connection.getresponse()
    body = response.read()
    if response.status != 200:
        raise Refused(f"{path} answers {response.status}: {body[:300].decode(errors='replace')}")
    return body


def rows(schema: Mapping[str, Any], count: int, seed: int) -> Iterator[dict[str, Any]]:
    """Make up so many rows that a signature accepts."""
    chance = random.Random(seed)
    for _ in range(count):
        yield made_up(schema, chance)


def made_up(schema: Mapping[str, Any], chance: random.Random) -> dict[str, Any]:
    """Make up one row: values within the training range, categories seen, the example's text."""
    return {feature["name"]: value(feature, chance) for feature in schema["features"]}


def value(feature: Mapping[str, Any], chance: random.Random) -> Any:
    """Make up the value of one feature."""
    low, high = feature.get("minimum"), feature.get("maximum")
    match feature["kind"]:
        case "boolean":
            return chance.random() < 0.5
        case "category" if feature.get("categories"):
            return chance.choice(feature["categories"])
        case "integer" if low is not None:
            return chance.randint(int(low), int(high))
        case "number" if low is not None:
            return chance.uniform(low, high)
    return feature.get("example")


def time_one(
    connection: http.client.HTTPConnection,
    path: str,
    row: Mapping[str, Any],
    headers: Mapping[str, str],
) -> float:
    """Return the seconds from sending a row to having read its answer; raises Refused."""
    body = json.dumps(row).encode()
    started = perf_counter()
    connection.request("POST", path, body, {"Content-Type": "application/json", **headers})
    answer(connection, path)
    return perf_counter() - started


def with_bar(items: Iterator[Any], total: int) -> Iterator[Any]:
    """Return the items, with a progress bar on a terminal where tqdm is installed."""
    try:
        from tqdm import tqdm
    except ImportError:
        return items
    return iter(tqdm(items, total=total, unit="request", leave=False))


def summarise(seconds: Sequence[float]) -> Latency:
    """Return the median, the 95th percentile (nearest rank) and the maximum, in milliseconds."""
    ordered = sorted(seconds)
    ranks = (len(ordered) // 2, min(len(ordered) - 1, int(0.95 * len(ordered))), -1)
    return Latency(*(ordered[rank] * 1e3 for rank in ranks))


def told(latency: Latency, count: int) -> str:
    """Return the summary as it is printed."""
    return (
        f"{count} requests, one after the other\n"
        f"median           {latency.median:8.2f} ms\n"
        f"95th percentile  {latency.percentile_95:8.2f} ms\n"
        f"maximum          {latency.maximum:8.2f} ms"
    )


if __name__ == "__main__":
    sys.exit(main())
