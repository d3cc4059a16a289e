from __future__ import annotations

import re
from pathlib import Path

from app import build_flask, wire
from config import read_config
from tests.wire.calls import SERVICES, calls_of


def test_every_route_is_called(tmp_path: Path) -> None:
    settings = {
        "MODEL_STORE": f"{tmp_path}/models",
        "DATABASE_URL": f"sqlite:///{tmp_path}/jobs.db",
        "MODELS_FOLDER": f"{tmp_path}/folder",
    }
    config = read_config(settings)
    called = {
        (call.method, call.path.partition("?")[0])
        for service in SERVICES
        for call in calls_of(service)
    }
    for rule in build_flask(config, wire(config)).url_map.iter_rules():
        path = re.compile(re.sub(r"<[^>]+>", "[^/]+", rule.rule))
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}:
            assert any(m == method and path.fullmatch(p) for m, p in called), (method, rule.rule)


def test_the_calls_are_the_same_each_time() -> None:
    for service in SERVICES:
        assert calls_of(service) == calls_of(service)


def test_there_are_some_three_hundred_at_least() -> None:
    assert sum(len(calls_of(service)) for service in SERVICES) >= 300
