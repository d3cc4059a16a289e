"""A protocol for the tests of adding one: an object in, its most probable class out as text."""

from __future__ import annotations

from serving.champions import Live
from serving.description import Description, row_of
from serving.exchange import Answer, Exchange, Routes
from serving.problems import refuse
from tables.rows import Decoded

TAG = "Throw-away"
ROUTES: Routes = (("POST", "/throw-away/{name}", "predict"),)
PROTOCOL: str | None = None

__all__ = ["PROTOCOL", "ROUTES", "TAG", "decode", "document", "refuse", "render"]


def decode(exchange: Exchange) -> Decoded:
    """Decode one row."""
    return exchange.live.codec.decode_json(exchange.body, single=True)


def render(exchange: Exchange) -> Answer:
    """Render the class alone."""
    (winner,) = exchange.prediction.winners
    return Answer(200, exchange.live.keys[winner].encode(), b"text/plain")


def document(live: Live) -> Description:
    """Describe it."""
    takes = {"application/json": {"schema": row_of(live)}}
    return Description("The class of a row", takes, {"text/plain": {}})
