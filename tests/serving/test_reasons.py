"""Sentences of contributions: every kind of value, in both languages."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from serving.reasons import MOST_REASONS, Reasons, cut
from tables.batch import Batch
from tables.dataset import read_dataset
from tables.rows import RowCodec
from tables.schema import Feature, Schema, Target
from tables.table import Table

WHEN = read_dataset(
    Table(
        {
            "day": [f"2024-{m:02}-15" for m in range(1, 13)] * 2,
            "at": [f"2024-{m:02}-15 {m:02}:30" for m in range(1, 13)] * 2,
            "seen": [f"2024-{m:02}-15 {m:02}:{m:02}:{m:02}" for m in range(1, 13)] * 2,
            "clock": [f"{m:02}:{m:02}" for m in range(1, 13)] * 2,
            "y": ["a", "b"] * 12,
        }
    ),
    "y",
).schema.features
SCHEMA = Schema(
    (
        Feature("renda", "number", nullable=True),
        Feature("idade", "integer"),
        Feature("casa", "category", True, ("própria", "pais", 'a "b", c'), example="pais"),
        Feature("banco", "category", False, ("um", "dois"), other=True, example="um"),
        Feature("novo", "boolean", nullable=True),
        Feature("nota", "text"),
        *WHEN,
    ),
    Target("comprou", ("não", "sim")),
)
ROW: dict[str, Any] = {
    "renda": 2796.94,
    "idade": 34,
    "casa": "própria",
    "banco": "um",
    "novo": True,
    "nota": "ótimo",
    "day": "2024-03-01",
    "at": "2024-03-01 04:05",
    "seen": "2024-03-01 04:05",
    "clock": "04:05",
}


def encoded(schema: Schema, **more: Any) -> Batch:
    return RowCodec(schema).decode_json(msgspec.json.encode({**ROW, **more}), single=True).batch


def said(language: str, name: str, schema: Schema = SCHEMA, up: float = 1.0, **more: Any) -> str:
    batch = encoded(schema, **more)
    names = [feature.name for feature in schema.features]
    found = Reasons(schema, batch, language).of(0, [up] * len(names), [names.index(name)])
    assert len(found) == 1
    return found[0]


@pytest.mark.parametrize(
    ("name", "value", "en", "pt"),
    [
        ("renda", 2796.94, "renda 2,796.94", "renda 2.796,94"),
        ("renda", 1e6, "renda 1,000,000", "renda 1.000.000"),
        ("renda", None, "missing renda", "renda ausente"),
        ("idade", 34, "idade 34", "idade 34"),
        ("casa", "própria", "casa própria", "casa própria"),
        ("casa", 'a "b", c', 'casa “a "b", c”', 'casa “a "b", c”'),
        ("casa", "castelo", "unknown casa", "casa com valor desconhecido"),
        ("banco", "três", "rare or unknown banco", "banco com valor raro ou desconhecido"),
        ("novo", True, "novo yes", "novo sim"),
        ("novo", False, "novo no", "novo não"),
        ("novo", None, "missing novo", "novo ausente"),
        ("nota", "bom\n e  barato", "nota “bom e barato”", "nota “bom e barato”"),
        ("nota", " ", "empty nota", "nota sem texto"),
        ("day", "2024-03-01", "day 2024-03-01", "day 01/03/2024"),
        ("at", "2024-03-01 04:05", "at 2024-03-01 04h", "at 01/03/2024 04h"),
        ("seen", "2024-03-01 04:05", "seen 2024-03-01 04:05", "seen 01/03/2024 04:05"),
        ("seen", "2024-03-01 00:00:07", "seen 2024-03-01 00:00:07", "seen 01/03/2024 00:00:07"),
        ("seen", "2024-03-01", "seen 2024-03-01 00:00", "seen 01/03/2024 00:00"),
        ("clock", "04:05", "clock 04:05", "clock 04:05"),
    ],
)
def test_a_value_is_said_as_people_say_it(name: str, value: Any, en: str, pt: str) -> None:
    assert said("en", name, **{name: value}) == f"{en} raises it"
    assert said("pt", name, **{name: value}) == f"{pt} aumenta a chance"


def test_what_is_lowered_is_said_and_of_a_quantity_it_is_the_value() -> None:
    assert said("en", "idade", up=-1.0) == "idade 34 lowers it"
    assert said("pt", "idade", up=-1.0) == "idade 34 diminui a chance"
    quantity = Schema(SCHEMA.features, Target("preço", task="regression"))
    assert said("pt", "idade", quantity) == "idade 34 aumenta o valor"
    assert said("pt", "idade", quantity, -1.0) == "idade 34 diminui o valor"


def test_the_largest_five_are_said_and_nothing_of_what_adds_nothing() -> None:
    batch = encoded(SCHEMA)
    reasons = Reasons(SCHEMA, batch, "en")
    assert len(reasons.of(0, [1.0] * 10, range(10))) == MOST_REASONS == 5
    assert reasons.of(0, [0.0] * 10, range(10)) == []


def test_a_long_text_is_cut_on_one_line() -> None:
    assert cut("word " * 100_000) == "word word word word word word word word…"
    assert len(cut("x" * 41)) == 40
    assert cut("x" * 40) == "x" * 40
    assert cut("a\u202eb\x00c") == "a b c"
    assert cut(" " * 1000) == "…"
