from __future__ import annotations

import importlib
import pkgutil
import re

from benchmarks.protocols import PROTOCOLS
from serving import protocols as protocols


def test_every_dialect_of_the_service_is_measured() -> None:
    names = [module.name for module in pkgutil.iter_modules(protocols.__path__)]
    assert len(names) >= 5
    for name in names:
        routes = importlib.import_module(f"serving.protocols.{name}").ROUTES
        patterns = [re.sub(r"\{\w+\}", "[^/]+", path) for _, path, _ in routes]
        asked = [d for d in PROTOCOLS if any(re.fullmatch(p, d.path) for p in patterns)]
        assert asked, f"no row for the dialect {name}"
