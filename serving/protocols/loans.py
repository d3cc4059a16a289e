"""The flat dialect (loans): one application in, the probability of one class out."""

from __future__ import annotations

import msgspec

from serving.champions import Live, Prediction
from serving.http import media
from serving.http.description import Description, row_of
from serving.http.exchange import Answer, Request, refuse
from serving.refusals import MediaTypeError
from tables.rows import Decoded

ROUTES: tuple[tuple[str, str], ...] = (("POST", "/predict"),)
PROTOCOL: str | None = "flat"

__all__ = ["PROTOCOL", "ROUTES", "decode", "document", "refuse", "render"]


def decode(request: Request, live: Live) -> Decoded:
    """Decode the body, one JSON object, into a batch of one row.

    Raises ParseError, MediaTypeError and RowsError.
    """
    if media.readable(request) != media.JSON:
        raise MediaTypeError(f"expected Content-Type {media.JSON}")
    return live.codec.decode_json(request.body, single=True)


def render(request: Request, live: Live, decoded: Decoded, prediction: Prediction) -> Answer:
    """Render the probability of the class that the recipe calls positive, else of the last one."""
    index = live.keys.index(live.manifest.extra.get("positive", live.keys[-1]))
    return Answer(200, msgspec.json.encode({"default_proba": prediction.probabilities[0][index]}))


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
    )
