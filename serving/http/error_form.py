"""In which form an error is written: under /v2 in that of the Open Inference Protocol."""

from __future__ import annotations

import msgspec

from serving.exchange import JSON, Answer
from serving.problems import PROBLEM

PREFIX = "/v2"


def in_form(path: str, answer: Answer) -> Answer:
    """Return an answer as the clients of its path read it: there a problem is one line."""
    if answer.content_type != PROBLEM or not (path == PREFIX or path.startswith(f"{PREFIX}/")):
        return answer
    detail = msgspec.json.decode(answer.body)["detail"]
    return answer._replace(body=msgspec.json.encode({"error": detail}), content_type=JSON)
