"""The answer to a form while somebody moves a slider: a piece of the page, on the event loop.

It is a protocol of the prediction service, so that it is admitted, computed together with what
comes at the same time, bounded and recorded as every prediction is. What people try out is no
traffic: the prediction log does not keep it.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import msgspec

from errors import Conflict, MiranteError
from serving.actions import EXPLAIN, PREDICT
from serving.exchange import Answer, Exchange, Route
from serving.explanations import explanations_of
from serving.pages.answer import answered
from serving.pages.form import SIGNATURE, fields_of, row_of, signature_of
from serving.pages.language import CATALOGUES, CHOICE, LANGUAGES
from serving.pages.rendering import HEADERS, HTML, render
from serving.pages.snippets import WRITERS, address_of
from serving.problems import refuse as problem_of
from tables.rows import Decoded

# The field that says in which language the row is wanted as code, besides being answered.
CODE = "code"
_HEADERS = (
    (b"cache-control", b"no-store"),
    *((name.lower().encode(), value.encode()) for name, value in HEADERS.items()),
)


class Fragment:
    """A form in, a piece of HTML out; `closed`: as REQUIRE_API_KEY sets."""

    EXPLAINS = True

    def __init__(self, closed: bool) -> None:
        self._closed = closed

    def decode(self, exchange: Exchange) -> Decoded:
        """Decode the form. Raises Conflict for another model's, ParseError and RowsError."""
        live, fields = exchange.live, fields_of(exchange.body)
        if fields.get(SIGNATURE) != signature_of(live):
            raise Conflict("the form is of a version with other features; load the page again")
        row = row_of(live.schema, fields)
        exchange.options = fields, row
        return live.codec.decode_json(msgspec.json.encode(row), single=True)

    def render(self, exchange: Exchange) -> Answer:
        """Render the answer, what it is made of where that was asked for, and the code."""
        fields, row = exchange.options
        words = CATALOGUES[fields.get(CHOICE, "")] if fields.get(CHOICE) in CATALOGUES else None
        words = words or CATALOGUES[LANGUAGES[0]]
        explanation = next(iter(explanations_of(exchange) or ()), None)
        live = exchange.live
        values: dict[str, Any] = {
            "answer": answered(
                live, row, exchange.decoded, exchange.prediction, explanation, words
            ),
            "asked": exchange.route.action == EXPLAIN,
            "code": self._code(fields.get(CODE, ""), exchange, row),
        }
        html = render("fragment.html", words, values)
        return Answer(200, html.encode(), HTML.encode(), _HEADERS)

    def _code(self, language: str, exchange: Exchange, row: Any) -> tuple[str, str] | None:
        if language not in WRITERS:
            return None
        address = address_of(_base(exchange), exchange.live.name)
        return language, WRITERS[language](address, row, self._closed)

    def refuse(self, error: MiranteError, request_id: str) -> Answer:
        """Render an error as a problem document, which the page's script puts into words."""
        return problem_of(error, request_id)


def fragment_routes(closed: bool) -> tuple[Route, ...]:
    """Return the routes: the answer alone, and the answer with what it is made of."""
    fragment = Fragment(closed)
    return (
        Route("POST", "/models/{name}/answer", PREDICT, fragment, trial=True),
        Route("POST", "/models/{name}/why", EXPLAIN, fragment, trial=True),
    )


def _base(exchange: Exchange) -> str:
    """Return the service's address as the browser says where its form comes from."""
    host = exchange.headers.get(b"host", b"").decode("latin-1")
    origin = exchange.headers.get(b"origin", b"").decode("latin-1")
    parts = urlsplit(origin)
    if parts.scheme in ("http", "https") and parts.netloc == host:
        return f"{parts.scheme}://{host}"
    return f"http://{host}"
