"""The recipe of loans: its tables, what it says of them, and the flat contract."""

from __future__ import annotations

import json
import sys
from importlib.util import find_spec
from typing import Any

import numpy as np
import pytest

from build_model import Built, build_model
from errors import DatasetError, DependencyError
from persistence.registry import Registry
from recipes import find_recipe
from recipes.loans import KINDS, LABEL, PLACES, SYNTHETIC
from serving.champions import Live, load_live
from serving.protocols import loans
from tables.dataset import read_dataset
from tables.table import Table
from tests.conftest import require
from tests.persistence.artifacts import make_registry
from tests.serving.factory import ask, make_service

INSTALL = "pip install -r requirements-catboost.txt"
APPLICATION = {
    "Term": 84, "NoEmp": 4, "CreateJob": 2, "RetainedJob": 4, "longitude": -86.2, "latitude": 41.6,
    "GrAppv": 60000.0, "SBA_Appv": 48000, "is_new": "True", "same_state": False,
    "FranchiseCode": "1", "City": "ELKHART", "State": "IN", "Bank": "A BANK", "BankState": "OH",
    "RevLineCr": "N", "UrbanRural": 1, "naics_first_two": "44",
}  # fmt: skip


@pytest.fixture(scope="module")
def catboost() -> None:
    require(find_spec("catboost") is not None, "catboost", INSTALL)


@pytest.fixture(scope="module")
def registry() -> Registry:
    return make_registry()


@pytest.fixture(scope="module")
def built(catboost: None, registry: Registry) -> Built:
    """The recipe's own run, with fewer rounds."""
    return build_model(find_recipe("loans"), registry=registry, parameters={"iterations": 60})


@pytest.fixture(scope="module")
def live(built: Built, registry: Registry) -> Live:
    return load_live(registry.read_champion("loans")[1])


def sba(rows: int = 200) -> dict[str, list[Any]]:
    """A table with the columns that the SBA publishes, so far as they are read."""
    random = np.random.default_rng(0)

    def pick(*values: Any) -> list[Any]:
        return random.choice(values, rows).tolist()

    return {
        "City": pick("EVANSVILLE", "NEW PARIS"),
        "State": pick("IN", "CA"),
        "Bank": pick("FIFTH BANK", "1ST BANK"),
        "BankState": pick("IN", "OH"),
        "NAICS": pick("451120", "722410", "0"),
        "Term": pick("84", "60"),
        "NoEmp": pick("4", "2"),
        "NewExist": pick("1", "2"),
        "CreateJob": pick("0", "3"),
        "RetainedJob": pick("0", "3"),
        "FranchiseCode": pick("0", "1"),
        "UrbanRural": pick("0", "1"),
        "RevLineCr": pick("Y", "N"),
        "MIS_Status": pick("P I F", "CHGOFF", ""),
        "GrAppv": pick("$60,000.00 ", "$1,200.00 "),
        "SBA_Appv": pick("$48,000.00 ", "$600.00 "),
    }


def test_a_synthetic_sample_says_so_wherever_it_is_looked_at(built: Built, live: Live) -> None:
    assert SYNTHETIC in built.metrics["notes"]
    assert SYNTHETIC in live.metrics["notes"]
    assert SYNTHETIC in live.info["notes"]
    assert SYNTHETIC in live.manifest.extra["notes"]


def test_catboost_serves_it_and_agrees_with_the_estimator(built: Built, live: Live) -> None:
    assert (built.model.runtime_name, live.runtime.quick) == ("catboost", True)
    assert built.model.parity is not None
    assert built.model.parity["largest_difference"] == 0.0
    assert live.manifest.needs == ("catboost",)
    assert live.info["num_trees"] == 60
    assert built.metrics["roc_auc"] > 0.7


def test_an_application_is_answered_as_the_flat_contract_says(live: Live) -> None:
    service = make_service(live, protocols=(loans,))
    answer = ask(service, "/predict", APPLICATION)
    assert answer.status == 200
    assert list(json.loads(answer.body)) == ["default_proba"]
    longer = json.loads(ask(service, "/predict", {**APPLICATION, "Term": 300}).body)[
        "default_proba"
    ]
    assert longer < json.loads(answer.body)["default_proba"]


def test_without_catboost_one_line_says_how_to_have_it(
    monkeypatch: pytest.MonkeyPatch, registry: Registry
) -> None:
    monkeypatch.setitem(sys.modules, "catboost", None)
    with pytest.raises(DependencyError, match=f"to install it: {INSTALL}$"):
        build_model(find_recipe("loans"), registry=registry)


def test_the_columns_are_made_of_the_sbas_own() -> None:
    given = sba()
    made = find_recipe("loans").prepare(Table(given))
    assert set(made.columns) == {*KINDS, LABEL}
    known = [index for index, status in enumerate(given["MIS_Status"]) if status]
    first = known[0]
    row = {name: column[0] for name, column in made.columns.items()}
    assert len(made) == len(known) < len(given["State"])
    assert row["GrAppv"] in ("60000.00", "1200.00")
    assert row[LABEL] is (given["MIS_Status"][first] == "CHGOFF")
    assert row["is_new"] is (given["NewExist"][first] == "2")
    assert row["same_state"] is (given["State"][first] == given["BankState"][first])
    assert row["naics_first_two"] in ("45", "72", "0")
    assert (row["latitude"], row["longitude"]) == PLACES[given["State"][first]]


def test_a_prepared_table_is_taken_as_it_is(built: Built) -> None:
    recipe = find_recipe("loans")
    table = recipe.table()
    again = recipe.prepare(table)
    dataset = read_dataset(again, LABEL, kinds=recipe.kinds)
    assert dataset.schema == built.dataset.schema


@pytest.mark.parametrize(
    ("column", "named"), [("Term", "Term"), ("NAICS", "naics_first_two, nor NAICS")]
)
def test_a_column_that_is_not_there_is_named(column: str, named: str) -> None:
    given = sba()
    del given[column]
    with pytest.raises(DatasetError, match=f"no column {named}"):
        find_recipe("loans").prepare(Table(given))
