"""Tables that people reported: what each is read as, and that the file that trains also predicts.

They lie beside the checkout, where there are any, each with a `case.md` that says what is right.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from build_model import build_model
from errors import DatasetError
from learning.estimators import ready_made
from serving.champions import load_live
from serving.protocols import v0
from tables.readers import read_table
from tests.conftest import ROOT
from tests.persistence.artifacts import make_registry
from tests.serving.factory import ask, make_service

CASES = next(
    (up / "shared" / "cases" for up in ROOT.parents[:2] if (up / "shared" / "cases").is_dir()),
    Path("no cases"),
)
pytestmark = pytest.mark.skipif(
    not CASES.is_dir(), reason="the shared cases are not beside this checkout"
)


class Case(NamedTuple):
    """A file, its target, the kinds of its columns, what a note says, and the least ROC AUC."""

    file: str
    target: str
    kinds: dict[str, str]
    note: str = ""
    least: float = 0.85
    classes: tuple[Any, ...] = ()


INCOME = {"income": "number", "colour": "category"}
A = {"a": "number", "colour": "category"}
READ = [
    Case("brazil/br_ok.csv", "caro", {"área": "number"}, "área has decimal commas"),
    Case("brazil/br_thousands.csv", "sim", {"area": "integer"}, "thousands parted by points"),
    Case("brazil/br_latin1.csv", "caro", {"preço": "number", "renda": "number"}, "read as cp1252"),
    Case("currency-percent/currency.csv", "y", {"price": "number"}, "the sign $"),
    Case("foreign-csv/latin1.csv", "y", {"a": "number"}, "read as cp1252"),
    Case("foreign-csv/sep_line.csv", "y", A),
    Case("foreign-csv/title_row.csv", "y", A, "the header is in line 3"),
    Case("held/bools.csv", "y", {"b1": "boolean", "a": "number"}),
    Case("held/names_data.csv", "y", {"data": "number", "rows": "category", "inputs": "number"}),
    Case("index-column/pandas_index.csv", "y", A, "an index, left out"),
    Case("index-column/trailing_all.csv", "y", A),
    Case("label-gaps/label_missing.csv", "y", A, "no value in 30 rows"),
    Case("label-gaps/label_rare.csv", "y", {"a": "number"}, "class 'ugly' has fewer than 5 rows"),
    Case("label-yes-no/label_yesno.csv", "y", {"a": "number"}, classes=("no", "yes")),
    Case("na-category/namibia.csv", "y", {"country": "category"}, "NA is read as a value"),
    Case("name-with-quote/quote_ignored.csv", "y", {"v": "number"}, "left out"),
    Case("name-with-quote/quote_name.csv", "y", {'6" pipe': "number"}),
    Case("predict-same-file/euro.csv", "y", A, "decimal commas"),
    Case("predict-same-file/spaces.csv", "y", A),
    Case("sentinel-in-numbers/sentinel_dash.csv", "y", INCOME, "'-' is read as missing"),
    Case("sentinel-in-numbers/sentinel_na_lower.csv", "y", INCOME, "'n/a' is read as missing"),
    Case("sentinel-in-numbers/sentinel_null.csv", "y", INCOME),
    Case("thousands-separator/thousands.csv", "y", {"income": "integer"}, "parted by commas"),
]


@pytest.mark.parametrize("case", READ, ids=lambda case: case.file)
def test_a_table_is_read_right_and_its_file_predicts(case: Case) -> None:
    registry = make_registry()
    recipe = ready_made("case", CASES / case.file, case.target, "logistic")
    built = build_model(recipe, registry=registry)
    kinds = {feature.name: feature.kind for feature in built.model.schema.features}
    assert kinds.items() >= case.kinds.items()
    assert case.note in "; ".join(built.dataset.notes)
    assert built.metrics["roc_auc"] >= case.least
    live = load_live(registry.read("case", built.version))
    assert live.schema.target.classes == (case.classes or live.schema.target.classes)
    service = make_service(live, protocols=(v0,), default_model="case")
    body = (CASES / case.file).read_bytes()
    answer = ask(service, "/v0/predict", body, content_type="text/csv", accept="text/csv")
    assert answer.status == 200, answer.body
    assert len(answer.body.splitlines()) - 1 >= built.dataset.rows


REFUSED = {
    "held/late_word.csv": r"column a, row 291 \(line 292\): not a number",
    "large-integers/hugeint.csv": "column id, row 1 .*too large for 32 bits",
}


@pytest.mark.parametrize("file", REFUSED)
def test_a_table_that_cannot_be_learnt_is_refused_by_line(file: str) -> None:
    with pytest.raises(DatasetError, match=REFUSED[file]):
        build_model(ready_made("case", CASES / file, "y"), registry=make_registry())


def test_the_case_s_rare_classes_are_merged_where_it_is_asked() -> None:
    recipe = ready_made("case", CASES / "label-gaps" / "label_rare.csv", "y", "logistic")
    table = read_table(CASES / "label-gaps" / "label_rare.csv")
    built = build_model(replace(recipe, merge_rare="good"), registry=make_registry())
    assert built.dataset.rows == len(table)
