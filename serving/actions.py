"""What a route computes of its rows: each action has decoded exchanges of one live model.

An action fills in what it computes, or `error` where it fails; it never raises.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

from serving.exchange import Exchange

log = logging.getLogger("mirante.actions")

PREDICT = "predict"
# A route whose rows are not computed upon, such as one that asks for metadata.
DESCRIBE = "describe"


def predict(group: Sequence[Exchange]) -> None:
    """Predict, in one call where several requests are there.

    The trees are then walked while they are in the processor's cache, which for
    a row alone they are not.
    """
    together = len(group) > 1 and _predict_together(group)
    for exchange in group:
        try:
            if not together:
                exchange.prediction = exchange.live.predict(exchange.decoded.batch)
            level = exchange.level if exchange.query else None
            if level is not None:
                exchange.prediction = exchange.live.within(exchange.prediction, level)
        except Exception as error:  # each request fails by itself
            exchange.error = error


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


ACTIONS: dict[str, Callable[[Sequence[Exchange]], None]] = {PREDICT: predict}
