from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from monitoring.parquet import from_parquet, tables_of, to_parquet
from tables.schema import Feature, Schema
from tests.monitoring.samples import Logged, changed, make_logged
from tests.serving.factory import ROW, SIGNATURE, ask


def logged_table(logged: Logged) -> pa.Table:
    logged.log.close()
    (path,) = logged.spool.finished()
    ((_, table),) = tables_of(path.read_bytes())
    return table


def test_a_row_stands_there_as_it_was_sent(tmp_path: Path) -> None:
    logged = make_logged(tmp_path)
    row = ROW | {"home": "aluguel", "income": None}
    answer = ask(logged.service, "/v0/predict", row, x_inference_id="order-7")
    assert answer.status == 200
    (found,) = logged_table(logged).to_pylist()
    assert found["id"] == "order-7"
    assert found["answer"] == "true"
    assert found["probabilities"][1] == pytest.approx(0.5744425)
    assert (found["in.age"], found["in.income"], found["in.records"]) == (30.0, None, False)
    assert found["in.home"] == "rent"  # what the alias means
    assert found["route"] == "/v0/predict"
    assert found["latency_us"] > 0


def test_words_that_training_never_saw_stand_there_as_sent(tmp_path: Path) -> None:
    logged = make_logged(tmp_path)
    rows = [ROW, ROW | {"home": "cave"}, ROW | {"home": None}, ROW | {"home": "igloo " * 99}]
    ask(logged.service, "/v0/predict", ROW | {"home": "cave"})
    ask(logged.service, "/v0/predict", rows)
    csv = b"age,income,home,records\n30,1, tent ,no\n31,2,rent,no\n"
    ask(logged.service, "/v0/predict", csv, content_type="text/csv")
    found = logged_table(logged)["in.home"].to_pylist()
    cut = ("igloo " * 99)[:256]
    assert found == ["cave", "rent", "cave", None, cut, "tent", "rent"]


def test_a_row_of_many_has_its_place_in_its_id(tmp_path: Path) -> None:
    logged = make_logged(tmp_path)
    ask(logged.service, "/v0/predict", [ROW], x_inference_id="one")
    ask(logged.service, "/v0/predict", [ROW] * 3, x_inference_id="many")
    for name, rows in (("some", [3, ROW, ROW]), ("last", [3, ROW])):
        ask(logged.service, "/v0/predict?partial=1", rows, x_inference_id=name)
    ids = logged_table(logged)["id"].to_pylist()
    assert ids == ["one", "many.0", "many.1", "many.2", "some.1", "some.2", "last.1"]


def test_texts_are_kept_where_a_recipe_wants_them(tmp_path: Path) -> None:
    schema = Schema((*SIGNATURE.features, Feature("note", "text", log=True)), SIGNATURE.target)
    logged = make_logged(tmp_path, changed(schema, "income", log=False))
    ask(logged.service, "/v0/predict", [ROW | {"note": "olá"}, ROW | {"note": "b"}])
    table = logged_table(logged)
    assert table["in.note"].to_pylist() == ["olá", "b"]
    assert "in.income" not in table.column_names
    assert table["in.home"].to_pylist() == ["rent", "rent"]


def test_hashed_words_are_equal_where_the_words_were(tmp_path: Path) -> None:
    schema = Schema((*SIGNATURE.features, Feature("note", "text", log="hash")), SIGNATURE.target)
    logged = make_logged(tmp_path, changed(schema, "home", log="hash"), key=b"secret")
    rows = [ROW | {"home": home, "note": "mine"} for home in ("rent", "cave", "rent", "cave")]
    ask(logged.service, "/v0/predict", rows)
    table = logged_table(logged)
    homes, notes = table["in.home"].to_pylist(), table["in.note"].to_pylist()
    assert homes[0] == homes[2] != homes[1] == homes[3]
    assert len({*homes, *notes} & {"rent", "cave", "mine"}) == 0
    assert len(set(notes)) == 1


def test_parquet_gives_the_table_back(tmp_path: Path) -> None:
    logged = make_logged(tmp_path)
    ask(logged.service, "/v0/predict", [ROW] * 10)
    table = logged_table(logged)
    back = from_parquet(to_parquet(table))
    assert back.to_pylist() == table.to_pylist()
    assert back.schema.metadata == table.schema.metadata
    assert from_parquet(to_parquet(table), ["id", "in.nothing"]).column_names == ["id"]
