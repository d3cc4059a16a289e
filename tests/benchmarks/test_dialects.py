from __future__ import annotations

import importlib
import pkgutil
import re

from benchmarks.dialects import DIALECTS
from serving import protocols as dialects


def test_every_dialect_of_the_service_is_measured() -> None:
    names = [module.name for module in pkgutil.iter_modules(dialects.__path__)]
    assert len(names) >= 5
    for name in names:
        routes = importlib.import_module(f"serving.protocols.{name}").ROUTES
        patterns = [re.sub(r"\{\w+\}", "[^/]+", path) for _, path in routes]
        asked = [d for d in DIALECTS if any(re.fullmatch(p, d.path) for p in patterns)]
        assert asked, f"no row for the dialect {name}"
