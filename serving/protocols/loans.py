"""The loans protocol: one application in, the probability of the last class out."""

from __future__ import annotations

import msgspec

from serving import media
from serving.champions import Live
from serving.description import STRICT, Description, flag, row_of
from serving.exchange import Answer, Exchange, Routes
from serving.explanations import explained
from serving.problems import refuse
from serving.refusals import MediaTypeError
from serving.warnings import warning_headers
from tables.rows import Decoded

TAG = "Loans"
ROUTES: Routes = (("POST", "/predict", "predict"),)
PROTOCOL: str | None = "flat"
EXPLAINS = True

__all__ = ["PROTOCOL", "ROUTES", "TAG", "decode", "document", "refuse", "render"]


def decode(exchange: Exchange) -> Decoded:
    """Decode the body, one JSON object, into a batch of one row.

    `?strict=1` refuses what else is answered with a warning.
    Raises ParseError, MediaTypeError, RowsError and RequestError.
    """
    if media.readable(exchange) != media.JSON:
        raise MediaTypeError(f"expected Content-Type {media.JSON}")
    (strict,) = exchange.flags("strict")
    return exchange.live.codec.decode_json(exchange.body, single=True, strict=strict)


def render(exchange: Exchange) -> Answer:
    """Render the probability of the last class."""
    (probabilities,) = exchange.prediction.probabilities
    (document,) = explained(exchange, [{"default_proba": probabilities[-1]}])
    headers = warning_headers(exchange.decoded)
    return Answer(200, msgspec.json.encode(document), headers=headers)


def document(live: Live) -> Description:
    """Describe the exchange for the OpenAPI document."""
    answer = {
        "type": "object",
        "properties": {"default_proba": {"type": "number", "minimum": 0, "maximum": 1}},
        "required": ["default_proba"],
    }
    return Description(
        "The probability that a loan defaults, for one application",
        {media.JSON: {"schema": row_of(live), "example": live.schema.example}},
        {media.JSON: {"schema": answer}},
        parameters=(flag("strict", STRICT),),
    )
