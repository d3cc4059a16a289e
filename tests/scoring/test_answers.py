import msgspec
import numpy as np
import pyarrow as pa
import pytest

from errors import MiranteError, ModelFault
from learning.intervals import Intervals
from learning.tasks import task_of
from scoring.answers import columns_of, contributions_of, intervals_of, names_of
from scoring.options import Options
from tables.batch import Batch
from tables.schema import Target
from tests.serving.factory import SIGNATURE

OUTPUTS = np.array([[0.123456789, 0.876543211], [0.9, 0.1], [1.0, 0.0]])


def answered(options=None, outputs=OUTPUTS, schema=SIGNATURE):
    return columns_of(outputs, schema, task_of(schema.target), options or Options())


def test_the_answer_is_that_of_a_request():
    task = task_of(SIGNATURE.target)
    cells = task.cells(task.predict(OUTPUTS), SIGNATURE.target)
    columns = [column.to_pylist() for column in answered()]
    assert [["true" if row[0] else "false", *row[1:]] for row in zip(*columns, strict=True)] == [
        list(row) for row in cells
    ]
    assert tuple(names_of(SIGNATURE, Options())) == task.header(SIGNATURE.target)


def test_probabilities_can_be_left_out():
    options = Options(probabilities=False, prefix="m_")
    assert len(answered(options)) == 1
    assert names_of(SIGNATURE, options) == ["m_prediction"]


def test_a_quantity_is_a_double():
    schema = msgspec.structs.replace(SIGNATURE, target=Target("price", task="regression"))
    (column,) = answered(outputs=np.array([[1.5], [1e9]]), schema=schema)
    assert column.to_pylist() == [1.5, 1e9]
    assert names_of(schema, Options(interval=0.9)) == [
        "prediction",
        "interval_low",
        "interval_high",
    ]


def test_words_are_words():
    schema = msgspec.structs.replace(SIGNATURE, target=Target("kind", ("a", "b")))
    assert answered(schema=schema)[0].to_pylist() == ["b", "a", "a"]
    assert answered(schema=schema)[0].type == pa.string()


def test_a_model_that_answers_no_number_is_at_fault():
    with pytest.raises(ModelFault, match="NaN"):
        answered(outputs=np.array([[np.nan, 1.0]]))


def test_an_interval_wants_a_model_that_has_them():
    with pytest.raises(MiranteError, match="expected a model of a quantity"):
        intervals_of(np.ones(2), None, 0.9)
    low, high = intervals_of(np.ones(2), Intervals((1.0, 2.0), 20), 0.5)
    assert (low.to_pylist(), high.to_pylist()) == ([-1.0, -1.0], [3.0, 3.0])
    with pytest.raises(MiranteError, match="expected at most"):
        intervals_of(np.ones(2), Intervals((1.0,), 3), 0.99)


def test_contributions_want_a_model_that_explains():
    with pytest.raises(MiranteError, match="not explained"):
        contributions_of(Batch(np.ones((1, 4), np.float32)), OUTPUTS[:1], None, SIGNATURE)
