import msgspec
import numpy as np
import pyarrow as pa
import pytest

from errors import ArtifactUntrusted, RowsError
from persistence.seal import new_key, trust_in
from scoring.options import Options
from scoring.scorer import Scorer
from tables.schema import Schema
from tests.persistence.artifacts import make_artifact
from tests.scoring.models import make_model
from tests.serving.factory import SIGNATURE


def table(**other) -> pa.Table:
    columns = {
        "id": ["a", "b", "c"],
        "age": [30, 40, 50],
        "income": [1.5, None, float("nan")],
        "home": ["rent", "aluguel", "castle"],
        "records": [True, False, True],
    }
    return pa.table({**columns, **other})


def test_a_table_keeps_its_columns_and_gets_the_answers():
    scored = Scorer(make_model()).score(table())
    assert scored.table.column_names == [
        *("id", "age", "income", "home", "records"),
        *("prediction", "probability", "probability_false", "probability_true"),
    ]
    assert scored.table.column("prediction").to_pylist() == [True, True, True]
    assert scored.table.column("probability_true").to_pylist() == [0.5744425, 0.5986877, 0.6224593]
    assert scored.rejected.num_rows == 0
    assert scored.unseen == {"home": 1}


def test_a_record_batch_is_a_table_too():
    batch = table().to_batches()[0]
    found = Scorer(make_model()).score(batch).table.column("probability_true")
    assert found.equals(Scorer(make_model()).score(table()).table.column("probability_true"))


def test_bad_rows_are_told_by_row_field_and_reason():
    bad = table(age=[30.5, None, 50.0], records=["yes", "no", "perhaps"])
    scored = Scorer(make_model()).score(bad, first=101)
    assert scored.table.num_rows == 0
    assert scored.rejected.to_pylist() == [
        {"row": 101, "field": "age", "reason": "expected integer, got number with a fraction"},
        {"row": 102, "field": "age", "reason": "expected integer, got null"},
        {"row": 103, "field": "records", "reason": "expected true or false, got string"},
    ]


def test_good_rows_stay_in_their_order_among_bad_ones():
    rows = 5000
    ages = [str(i) if i % 7 else "none" for i in range(rows)]
    many = pa.table(
        {"age": ages, "income": [1.0] * rows, "home": ["rent"] * rows, "records": ["no"] * rows}
    )
    scored = Scorer(make_model()).score(many)
    assert scored.table.column("age").to_pylist() == [age for age in ages if age != "none"]
    expected = 1 / (1 + np.exp(-np.array([int(a) for a in ages if a != "none"]) / 100))
    found = scored.table.column("probability_true").to_numpy()
    assert np.abs(found - expected).max() < 1e-6
    assert scored.rejected.column("row").to_pylist() == list(range(1, rows + 1, 7))


def test_strict_ends_at_the_first_bad_row_and_minds_unseen_categories():
    scorer = Scorer(make_model(), Options(strict=True))
    with pytest.raises(RowsError, match=r"^row 3, home: expected one of owner, rent"):
        scorer.score(table())


def test_a_name_that_is_taken_is_refused_unless_a_prefix_is_chosen():
    taken = table(probability=[1, 2, 3])
    with pytest.raises(RowsError, match=r"has a column probability.*--prefix"):
        Scorer(make_model()).score(taken)
    scored = Scorer(make_model(), Options(prefix="credit_")).score(taken)
    assert scored.table.column_names[-1] == "credit_probability_true"


def test_no_rows_are_none():
    scored = Scorer(make_model()).score(table().slice(0, 0))
    assert scored.table.num_rows == 0
    assert scored.table.num_columns == 9


def test_an_artifact_without_a_good_seal_is_refused():
    with pytest.raises(ArtifactUntrusted):
        Scorer.of_artifact(make_artifact(), trust=trust_in(new_key().public))


def test_intervals_of_a_quantity_stand_beside_it():
    target = msgspec.structs.replace(SIGNATURE.target, task="regression", classes=())
    schema = Schema(SIGNATURE.features, target)
    info = {"intervals": {"residuals": [1.0, 2.0], "rows": 100, "relative": False}}
    model = make_model(schema, info)
    model.runtime.outputs = lambda batch: batch.matrix[:, :1]  # type: ignore[method-assign]
    scored = Scorer(model, Options(interval=0.9)).score(table())
    assert scored.table.column("prediction").to_pylist() == [30.0, 40.0, 50.0]
    assert scored.table.column("interval_low").to_pylist() == [28.0, 38.0, 48.0]
