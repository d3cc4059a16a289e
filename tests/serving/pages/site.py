"""The pages over live models that are put in by hand, as a browser and as a program ask them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from app import build_flask, wire
from config import read_config
from serving.auth import new_key
from serving.champions import Live
from tests.serving.factory import make_live

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
TOKEN, KEY = new_key("reader", ["predict"])


class Site:
    """A service without a store behind it; `ask` asks as a browser does, if not told otherwise."""

    def __init__(self, folder: Path, *lives: Live, **settings: str) -> None:
        kept = {
            "MODEL_STORE": f"{folder}/models",
            "DATABASE_URL": f"sqlite:///{folder}/jobs.db",
            "API_KEYS_FILE": f"{folder}/api_keys",
            "API_KEYS": KEY.entry(),
        }
        config = read_config(kept | settings)
        self.parts = wire(config)
        for live in lives or (make_live(),):
            self.parts.champions._live[live.name] = live
        self.app = build_flask(config, self.parts)

    def ask(self, path: str, accept: str | None = BROWSER, method: str = "GET", **more: Any) -> Any:
        """Return the answer; underscores in names of headers are dashes."""
        data = more.pop("data", None)
        headers = {name.replace("_", "-"): value for name, value in more.items()}
        if accept is not None:
            headers["Accept"] = accept
        return self.app.test_client(use_cookies=False).open(
            path, method=method, headers=headers, data=data
        )
