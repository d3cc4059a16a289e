"""Users who each ask for one prediction a second.

    python -m benchmarks.environments locust
    benchmarks/.environments/locust/bin/locust -f benchmarks/locustfile.py \\
        --host http://127.0.0.1:8000 --model credit --headless -u 100 -r 10 -t 30s

100 users, 10 more every second until they are there. Without --headless, the
page on http://127.0.0.1:8089 asks for these. Rows come from the live signature.
"""

from __future__ import annotations

import random
from typing import Any

from locust import HttpUser, constant_throughput, events, task
from response_latency import base, made_up


@events.init_command_line_parser.add_listener
def add_model(parser: Any) -> None:
    parser.add_argument(
        "--model", default="", help="default: the one that /v0/predict answers with"
    )
    parser.add_argument("--key", default="", help="an API key, where the service asks for one")


class Client(HttpUser):
    wait_time = constant_throughput(1)

    def on_start(self) -> None:
        options = self.environment.parsed_options
        if options.key:
            self.client.headers["Authorization"] = f"Bearer {options.key}"
        self.base = base(options.model or None)
        self.chance = random.Random()
        self.schema = self.client.get(f"{self.base}/model_info").json()["signature"]

    @task
    def predict(self) -> None:
        self.client.post(f"{self.base}/predict", json=made_up(self.schema, self.chance))
