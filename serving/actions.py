"""What a route computes of its rows: each action has decoded exchanges of one live model.

An action fills in what it computes, or `error` where it fails; it never raises.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

from serving.contributions import Part, explained_parts, part_of
from serving.exchange import Exchange
from serving.explanations import wanted
from serving.refusals import RequestError
from serving.refused_rows import predict_rows

log = logging.getLogger("mirante.actions")

PREDICT, EXPLAIN = "predict", "explain"
# A route whose rows are not computed upon, such as one that asks for metadata.
DESCRIBE = "describe"


def predict(group: Sequence[Exchange]) -> None:
    """Predict, in one call where several requests are there.

    The trees are then walked while they are in the processor's cache, which for
    a row alone they are not.
    """
    together = len(group) > 1 and _predict_together(group)
    parts: list[tuple[Exchange, Part]] = []
    for exchange in group:
        try:
            if not together:
                predict_rows(exchange)
            level = exchange.level if exchange.query else None
            if level is not None:
                exchange.prediction = exchange.live.within(exchange.prediction, level)
            part = _part(exchange)
            if part is not None:
                parts.append((exchange, part))
        except Exception as error:  # each request fails by itself
            exchange.error = error
    if parts:
        _explain(parts)


def _part(exchange: Exchange) -> Part | None:
    """Return what is to be explained, None for nothing. Raises RequestError and TooManyRows."""
    always = exchange.route.action == EXPLAIN
    if not (always or exchange.query or exchange.wanted):
        return None
    exchange.wanted = exchange.wanted or wanted(exchange.query, always)
    if exchange.wanted is None:
        return None
    if not getattr(exchange.route.protocol, "EXPLAINS", False):
        raise RequestError("explain: this protocol has no room for explanations")
    batch, of = exchange.decoded.batch, exchange.wanted.of
    return part_of(exchange.live, batch, exchange.prediction, of)


def _explain(parts: Sequence[tuple[Exchange, Part]]) -> None:
    """Explain the predictions of one model; where that fails together, each by itself."""
    try:
        found = explained_parts(parts[0][0].live, [part for _, part in parts])
    except Exception as error:
        if len(parts) == 1:
            parts[0][0].error = error
            return
        log.exception("joined explanations failed; each request is explained by itself")
        for one in parts:
            _explain([one])
        return
    for (exchange, _), contributions in zip(parts, found, strict=True):
        exchange.contributions = contributions


def _predict_together(group: Sequence[Exchange]) -> bool:
    try:
        together = group[0].live.predict_together([each.decoded.batch for each in group])
    except Exception:
        # One of them may be to blame: alone, each fails or does not by itself.
        log.exception("a joined prediction failed; its requests are predicted one by one")
        return False
    for exchange, prediction in zip(group, together, strict=True):
        exchange.prediction = prediction
    return True


ACTIONS: dict[str, Callable[[Sequence[Exchange]], None]] = {PREDICT: predict, EXPLAIN: predict}
