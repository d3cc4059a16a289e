"""The page of a model: a form made of its signature, and beside it the answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from errors import MiranteError, RowsError
from serving.champions import Live
from serving.pages.about import about
from serving.pages.answer import look_at
from serving.pages.form import SIGNATURE, fields_of, groups_of, row_of, signature_of
from serving.pages.language import Catalogue
from serving.pages.page import Page, Visit
from serving.pages.samples import ROW, sample_of
from serving.pages.snippets import snippets
from tables.schema import Feature


def _context(visit: Visit) -> dict[str, Any]:
    live, words = visit.live, visit.words
    changed = False
    sample = sample_of(live, visit.query.get(ROW, ""))
    row = sample.row
    if visit.form is not None:
        fields = fields_of(visit.form)
        changed = fields.get(SIGNATURE) != signature_of(live)
        row = row if changed else row_of(live.schema, fields)
    answer, problems, fault = _answer(live, row, words)
    return {
        "about": about(visit),
        "path": f"/models/{quote(live.name)}",
        "signature": signature_of(live),
        "groups": groups_of(live, row, problems),
        "features": len(live.schema.features),
        "sentences": {f.name: expected(f, words) for f in live.schema.features},
        "answer": answer,
        "asked": live.explainer is not None,
        "explains": "no" if live.explainer is None else "quick" if live.explainer.quick else "slow",
        "samples": sample.next,
        "truth": sample.truth,
        "fault": words("form_changed") if changed else fault,
        "codes": snippets(visit.base, live.name, row, visit.place.closed),
    }


def _answer(
    live: Live, row: Mapping[str, Any], words: Catalogue
) -> tuple[Any, dict[str, str], str]:
    """Return the answer to a row, else what is wrong with its fields, or with the model."""
    try:
        return look_at(live, row, words), {}, ""
    except RowsError as error:
        named = {feature.name: feature for feature in live.schema.features}
        wrong = [named[p.field] for p in error.problems if p.field in named]
        told = {f.name: problem_of(f, row.get(f.name), words) for f in wrong}
        return None, told, words("error_422")
    except MiranteError:
        return None, {}, words("error_500")


def problem_of(feature: Feature, value: Any, words: Catalogue) -> str:
    """Return in a sentence what a feature expects instead of a value that does not fit."""
    return words("needed") if value is None else expected(feature, words)


def expected(feature: Feature, words: Catalogue) -> str:
    """Return in a sentence what a feature expects."""
    if feature.kind == "date":
        return words("expected_date", example=feature.example)
    return words(f"expected_{feature.kind}")


PAGE = Page("/models/<name>", "model.html", _context, "page")
