"""Rows: what is taken, what is refused and how it is named, and that both ways agree."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from contextlib import nullcontext
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from errors import MiranteError, ParseError, RowsError, TooManyRows
from tables.dates import DateFormat
from tables.rows import Decoded, RowCodec, parse_json
from tables.schema import UNKNOWN, Feature, Kind, Schema, Target

SIGNATURE = Schema(
    (
        Feature("age", "integer"),
        Feature("income", "number", nullable=True),
        Feature("note", "text"),
        Feature("home", "category", True, ("owner", "rent"), {"aluguel": "rent"}),
        Feature("records", "boolean"),
    ),
    Target("approved", (False, True)),
    ignored=("constant",),
)
CODEC = RowCodec(SIGNATURE)
ROW: dict[str, Any] = {
    "age": 30,
    "income": 12.5,
    "note": "olá",
    "home": "rent",
    "records": "no",
}


def encode(rows: Any, **options: bool) -> Any:
    return CODEC.decode_json(json.dumps(rows).encode(), single=isinstance(rows, dict), **options)


def problems(rows: Any, **options: bool) -> set[tuple[int, str | None, str]]:
    with pytest.raises(RowsError) as refused:
        encode(rows, **options)
    return {(fault.row, fault.field, fault.got) for fault in refused.value.problems}


def test_a_row_is_encoded_by_feature_with_texts_apart():
    batch = encode(ROW).batch
    assert batch.matrix.dtype == np.float32
    assert batch.matrix.tolist() == [[30, 12.5, 1, 0]]
    assert batch.texts == (["olá"],)


def test_a_list_gives_the_same_rows_as_one_by_one():
    rows = [ROW, ROW | {"home": "owner", "records": True}, ROW | {"income": None}]
    together = encode(rows).batch.matrix
    apart = np.vstack([encode(row).batch.matrix for row in rows])
    np.testing.assert_array_equal(together, apart)


def test_null_and_absence_are_missing_where_training_had_missing_values():
    without = {key: value for key, value in ROW.items() if key not in ("income", "home")}
    for row in (ROW | {"income": None, "home": None}, without):
        matrix = encode(row).batch.matrix
        assert np.isnan(matrix[0, 1:3]).all()


def test_null_and_absence_are_refused_where_training_had_none():
    assert problems([ROW | {"age": None}]) == {(0, "age", "null")}
    assert problems([{k: v for k, v in ROW.items() if k != "age"}]) == {(0, "age", "nothing")}


def test_null_is_missing_and_said_where_the_model_imputes():
    codec = RowCodec(msgspec.structs.replace(SIGNATURE, imputes=True))
    rows = [ROW, ROW | {"age": None, "records": None, "income": None}]
    decoded = codec.decode_objects(rows)
    assert np.isnan(decoded.batch.matrix[1, [0, 3]]).all()
    assert decoded.missing == ((1, "age"), (1, "records"))
    assert codec.decode_json(json.dumps(rows).encode(), single=False).missing == decoded.missing
    cells = {name: ["" if name in ("age", "note") else str(v)] for name, v in ROW.items()}
    assert codec.decode_columns(cells).missing == ((0, "age"), (0, "note"))
    for row in (rows[1], {k: v for k, v in ROW.items() if k != "age"}):
        with pytest.raises(RowsError):
            codec.decode_objects([row], strict=row is rows[1])


def test_an_alias_is_its_category():
    assert encode(ROW | {"home": "aluguel"}).batch.matrix[0, 2] == 1
    assert encode(ROW | {"home": "aluguel"}, strict=True).unknown == ()


@pytest.mark.parametrize("rows", [ROW | {"home": "igloo"}, [ROW, ROW | {"home": "igloo"}]])
def test_an_unknown_category_is_scored_as_unknown_and_said(rows):
    decoded = encode(rows)
    last = len(decoded.batch.matrix) - 1
    assert decoded.batch.matrix[last, 2] == UNKNOWN
    assert decoded.unknown == ((last, "home"),)


def test_an_unknown_category_is_refused_when_strict():
    assert problems([ROW, ROW | {"home": "igloo"}], strict=True) == {
        (1, "home", "a category never seen in training")
    }


@pytest.mark.parametrize("name", ["approved", "constant"])
def test_the_label_and_what_the_model_does_not_read_are_read_past(name):
    for value in (True, "yes", [1], None):
        assert encode(ROW | {name: value}).batch.matrix.tolist() == [[30, 12.5, 1, 0]]
        assert encode([ROW | {name: value, "home": "igloo"}], partial=True).indices == range(1)


def test_every_fault_of_every_row_is_named_with_a_near_miss():
    row = {"age": "old", "incme": 1, "note": 3, "home": 4, "records": 1}
    with pytest.raises(RowsError) as refused:
        encode([ROW, row])
    found = {fault.field: (fault.row, fault.got, fault.hint) for fault in refused.value.problems}
    assert found == {
        "age": (1, "string", None),
        "incme": (1, "unknown field", "income"),
        "note": (1, "integer", None),
        "home": (1, "integer", None),
        "records": (1, "integer", None),
    }


def test_a_misspelt_field_is_not_also_named_as_missing():
    row = {key: value for key, value in ROW.items() if key != "age"} | {"agee": 1}
    assert problems(row) == {(0, "agee", "unknown field")}


def test_a_row_that_is_no_object_is_named():
    assert problems([ROW, [1], 3]) == {(1, None, "array"), (2, None, "integer")}


def test_partial_keeps_the_good_rows_and_names_the_bad():
    decoded = encode([ROW | {"age": "x"}, ROW, 3], partial=True)
    assert list(decoded.indices) == [1]
    assert {fault.row for fault in decoded.problems} == {0, 2}
    assert decoded.batch.matrix.tolist() == [[30, 12.5, 1, 0]]


def test_a_whole_float_is_an_integer_and_a_fraction_is_not():
    assert encode(ROW | {"age": 30.0}).batch.matrix[0, 0] == 30
    assert problems(ROW | {"age": 30.5}) == {(0, "age", "number with a fraction")}


@pytest.mark.parametrize("value", ["1e400", "-1e39", "1" + "0" * 60, "9" * 5000, "-" + "9" * 5000])
def test_a_number_beyond_float32_is_refused_with_its_field(value):
    body = json.dumps(ROW).replace("12.5", value).encode()
    with pytest.raises(RowsError) as refused:
        CODEC.decode_json(body, single=True)
    assert [fault.field for fault in refused.value.problems] == ["income"]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"{", "line 1 column 2"),
        (b"", "line 1 column 1"),
        (b'[{"age":Infinity}]', "Infinity is no JSON value"),
        (b'[{"age":-Infinity}]', "-Infinity is no JSON value"),
        (b"[" * 200_000, "nested too deep"),
        (b'{"note":"\xff"}', "byte 9"),
    ],
)
def test_bytes_that_are_not_json_are_malformed_and_said_where(body, said):
    with pytest.raises(ParseError, match=said):
        CODEC.decode_json(body, single=False)


def test_no_value_of_the_callers_is_in_an_error():
    secret = "sesame" * 3
    with pytest.raises(RowsError) as refused:
        encode([{key: [secret] for key in ROW}])
    assert secret not in str(refused.value) + repr(refused.value.problems)


def test_a_long_field_name_is_cut_and_the_problems_are_bounded():
    with pytest.raises(RowsError) as refused:
        encode([ROW | {"x" * 10_000: 1}] * 500)
    assert len(refused.value.problems) == 100
    assert all(len(fault.field or "") == 64 for fault in refused.value.problems)


@pytest.mark.parametrize(("rows", "said"), [(100, ""), (101, "; the first 100 faults are listed")])
def test_a_hundred_problems_are_listed_and_more_are_said(rows, said):
    with pytest.raises(RowsError) as refused:
        encode([ROW | {"age": "x"}] * rows)
    assert len(refused.value.problems) == 100
    assert str(refused.value) == f"{rows} rows do not fit the signature{said}"


@pytest.mark.parametrize(
    ("field", "cell", "got"),
    [("age", "30.5", "number with a fraction"), ("note", "NA", "null"), ("note", " ", "null")],
)
def test_a_cell_that_does_not_fit_its_column_is_named(field, cell, got):
    columns = {name: [str(value)] for name, value in ROW.items()}
    with pytest.raises(RowsError) as refused:
        CODEC.decode_columns(columns | {field: [cell]})
    assert [(f.row, f.field, f.got) for f in refused.value.problems] == [(0, field, got)]


@pytest.mark.parametrize(("length", "hinted"), [(63, True), (64, False)])
def test_only_a_name_of_fewer_than_64_letters_is_compared_with_the_others(length, hinted):
    codec = RowCodec(Schema((Feature("a" * 70, "number"),), Target("y", (0, 1))))
    with pytest.raises(RowsError) as refused:
        codec.decode_objects([{"a" * length: 1}])
    assert refused.value.problems[0].hint == ("a" * 70 if hinted else None)


@pytest.mark.parametrize("field", ["age", "income"])
@pytest.mark.parametrize("cell", ["1_0", "1_000.5", "_1"])
def test_a_number_with_an_underscore_is_none(field, cell):
    columns = {name: [str(value)] for name, value in ROW.items()}
    with pytest.raises(RowsError) as refused:
        CODEC.decode_columns(columns | {field: [cell]})
    assert [(f.row, f.field, f.got) for f in refused.value.problems] == [(0, field, "string")]
    assert CODEC.decode_columns(columns | {field: ["10"]}).batch.matrix[0].max() >= 10


@pytest.mark.parametrize("field", ["age", "income"])
def test_a_boolean_is_no_number(field):
    assert problems(ROW | {field: True}) == {(0, field, "boolean")}


@pytest.mark.parametrize("age", [30, 30.0])  # the second is read the patient way
def test_the_largest_number_is_that_of_32_bits(age):
    largest = float(np.finfo(np.float32).max)
    assert encode(ROW | {"age": age, "income": largest}).batch.matrix[0, 1] == largest
    assert problems(ROW | {"age": age, "income": largest * 1.0001}) == {
        (0, "income", "number out of range")
    }


def test_a_feature_of_the_target_s_name_is_read():
    codec = RowCodec(Schema((Feature("y", "number"),), Target("y", (0, 1))))
    for body in (b'{"y": 3}', b'{"y": 3.0, "y": 3}'):
        assert codec.decode_json(body, single=True).batch.matrix.tolist() == [[3]]
    with pytest.raises(RowsError):
        codec.decode_json(b'{"y": "x"}', single=True)


class Watched(list[Any]):
    """Rows that count how many of them were looked at."""

    looked_at = 0

    def __iter__(self):
        for row in super().__iter__():
            self.looked_at += 1
            yield row


@pytest.mark.parametrize(("partial", "looked_at"), [(False, 101), (True, 5000)])
def test_no_more_rows_are_looked_at_than_it_takes_to_list_the_problems(partial, looked_at):
    rows = Watched([ROW | {"age": "x"}] * 5000)
    with nullcontext() if partial else pytest.raises(RowsError):
        CODEC.decode_objects(rows, partial=partial)
    assert rows.looked_at == looked_at


def test_columns_of_cells_are_rows():
    columns: dict[str, Sequence[str]] = {
        "age": (ages := ["30", "31"]),
        "income": ["12.5", ""],
        "note": ["olá", "tchau"],
        "home": ["rent", ""],
        "records": ["no", "True"],
    }
    matrix = CODEC.decode_columns(columns).batch.matrix
    np.testing.assert_array_equal(
        matrix, np.array([[30, 12.5, 1, 0], [31, math.nan, math.nan, 1]], np.float32)
    )
    ages[1] = "old"
    with pytest.raises(RowsError) as refused:
        CODEC.decode_columns(columns)
    assert [(fault.row, fault.field) for fault in refused.value.problems] == [(1, "age")]


def outcome(call: Any) -> Any:
    try:
        decoded = call()
    except MiranteError as error:
        return type(error), str(error), getattr(error, "problems", None)
    return decoded.batch.matrix.tobytes(), decoded.batch.texts, decoded.unknown, decoded.problems


cells = st.sampled_from(
    [
        *("1", " 2 ", "2.5", "1e400", "inf", "nan", "NA", "", " "),
        *("1_0", "x", "yes", "No", "rent", " owner"),
    ]
)


@given(st.lists(st.tuples(cells, cells, cells, cells, cells), max_size=3), st.booleans())
def test_columns_are_encoded_cell_by_cell_as_they_are_column_by_column(table, partial):
    names = ("age", "income", "note", "home", "records")
    columns: dict[str, Sequence[str]] = {}
    if table:
        columns = dict(zip(names, zip(*table, strict=True), strict=True))
    columns = columns or dict.fromkeys(names, ())
    quick = outcome(lambda: CODEC.decode_columns(columns, partial=partial))
    slow = RowCodec(SIGNATURE)
    slow._columns_quickly = lambda columns, formats: None  # type: ignore[method-assign]
    assert quick == outcome(lambda: slow.decode_columns(columns, partial=partial))


def test_names_that_are_no_python_names_are_fields_like_others():
    names = ("sepal length (cm)", "class", "0", "f0")
    schema = Schema(tuple(Feature(n, "number") for n in names), Target("y", (0, 1)))
    row = {name: float(i) for i, name in enumerate(names)}
    assert RowCodec(schema).encode_objects([row]).matrix.tolist() == [[0, 1, 2, 3]]
    body = json.dumps(row).encode()
    assert RowCodec(schema).decode_json(body, single=True).batch.matrix.tolist() == [[0, 1, 2, 3]]


anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from(["rent", "owner", "aluguel", "igloo", "yes", "TRUE", ""])
    | st.text(),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(), inner, max_size=2),
    max_leaves=3,
)
likely = st.fixed_dictionaries(
    {},
    optional={
        "age": st.integers() | anything,
        "income": st.floats(width=32) | anything,
        "note": st.text() | anything,
        "home": st.sampled_from(["rent", "owner", "aluguel", "igloo"]) | anything,
        "records": st.booleans() | st.sampled_from(["yes", "no", "maybe"]) | anything,
        "approved": anything,
        "agee": anything,
    },
)


@given(st.lists(likely | anything, max_size=3), st.booleans(), st.booleans())
def test_the_quick_way_and_the_patient_way_agree(rows, partial, strict):
    body = json.dumps(rows).encode()
    quick = outcome(lambda: CODEC.decode_json(body, single=False, partial=partial, strict=strict))
    patient = outcome(
        lambda: CODEC.decode_objects(parse_json(body), partial=partial, strict=strict)
    )
    assert quick == patient


@pytest.mark.parametrize("name", ['6" pipe', "HKLM\\x"])
def test_a_name_that_msgspec_cannot_give_a_field_is_read_all_the_same(name):
    codec = RowCodec(Schema((Feature(name, "number"),), SIGNATURE.target))
    body = json.dumps([{name: 1.5}]).encode()
    assert codec.decode_json(body, single=False).batch.matrix.tolist() == [[1.5]]
    assert codec.decode_columns({name: ["1.5"]}).batch.matrix.tolist() == [[1.5]]


DATED = Schema(
    (
        Feature("n", "number"),
        Feature(
            "when",
            "date",
            example="05/01/2024 06:30",
            dates=DateFormat(True, parts=("month", "day", "hour"), first="2024-01-05"),
        ),
        Feature("home", "category", True, ("owner", "rent")),
        Feature(
            "day",
            "date",
            True,
            example="20240105",
            missing=("open",),
            dates=DateFormat(unit="ymd", parts=("days", "weekday"), first="2024-01-05"),
        ),
        Feature("note", "text"),
    ),
    Target("y", (0, 1)),
)
DATES = RowCodec(DATED)
DATED_ROW: dict[str, Any] = {
    "n": 1,
    "when": "05/01/2024 06:30",
    "home": "rent",
    "day": "20240105",
    "note": "good",
}
DATED_VALUES = [1, 1, 5, 6, 1, 19727, 4]


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"when": "2024-01-05T06:59:00Z"},
        {"when": " 5 Jan 2024, 6:30 AM "},
        {"day": 20240105},
        {"day": 20240105.0},
        {"day": "2024-01-05"},
    ],
)
def test_a_date_is_several_columns_in_any_spelling(changed):
    row = DATED_ROW | changed
    body = json.dumps(row).encode()
    single = DATES.decode_json(body, single=True).batch
    assert single.matrix.tolist() == [DATED_VALUES]
    assert single.texts == (["good"],)
    many = DATES.decode_json(b"[" + body + b"," + body + b"]", single=False).batch
    assert many.matrix.tolist() == [DATED_VALUES] * 2
    assert DATES.encode_objects([row]).matrix.tolist() == [DATED_VALUES]
    cells: dict[str, Any] = {name: [str(value)] for name, value in row.items()}
    assert DATES.decode_columns(cells).batch.matrix.tolist() == [DATED_VALUES]


@pytest.mark.parametrize("value", [None, "open", "", " NA "])
def test_a_missing_date_is_missing_in_all_of_its_columns(value):
    body = json.dumps(DATED_ROW | {"day": value}).encode()
    matrix = DATES.decode_json(body, single=True).batch.matrix
    assert matrix[0, :5].tolist() == DATED_VALUES[:5]
    assert np.isnan(matrix[0, 5:]).all()
    np.testing.assert_array_equal(DATES.encode_objects([json.loads(body)]).matrix, matrix)


@pytest.mark.parametrize("value", ["soon", "12/31/2024", "", None, 20240105, True, ["2024-01-05"]])
def test_what_is_no_date_of_its_column_is_named_by_row_and_field(value):
    body = json.dumps([DATED_ROW, DATED_ROW | {"when": value}]).encode()
    with pytest.raises(RowsError) as refused:
        DATES.decode_json(body, single=False)
    (problem,) = refused.value.problems
    assert (problem.row, problem.field) == (1, "when")
    assert problem.expected == "date as 05/01/2024 06:30"
    good = DATES.decode_json(body, single=False, partial=True)
    assert list(good.indices) == [0]
    if isinstance(value, str):
        cells = {name: [str(cell), str(cell)] for name, cell in DATED_ROW.items()}
        with pytest.raises(RowsError) as same:
            DATES.decode_columns(cells | {"when": [DATED_ROW["when"], value]})
        assert [(p.row, p.field) for p in same.value.problems] == [(1, "when")]


def test_a_category_beside_dates_is_named_when_it_is_unknown():
    rows = [DATED_ROW, DATED_ROW | {"home": "igloo"}]
    found = DATES.decode_json(json.dumps(rows).encode(), single=False)
    assert found.unknown == ((1, "home"),)
    assert DATES.decode_json(json.dumps(rows[1]).encode(), single=True).unknown == ((0, "home"),)


def test_a_date_that_never_was_missing_may_be_where_the_model_imputes():
    codec = RowCodec(msgspec.structs.replace(DATED, imputes=True))
    rows = [DATED_ROW, DATED_ROW | {"when": None}]
    cells = {name: [str(value), str(value)] for name, value in DATED_ROW.items()}
    for decoded in (
        codec.decode_json(json.dumps(rows).encode(), single=False),
        codec.decode_columns(cells | {"when": [DATED_ROW["when"], "NA"]}),
    ):
        assert decoded.missing == ((1, "when"),)
        assert decoded.batch.matrix[0].tolist() == DATED_VALUES
        assert np.isnan(decoded.batch.matrix[1, 1:4]).all()
    with pytest.raises(RowsError):
        codec.decode_json(json.dumps(rows).encode(), single=False, strict=True)


def test_a_closed_category_takes_no_other_value() -> None:
    shut = Feature("plan", "category", categories=("gold", "pro"), example="pro", closed=True)
    codec = RowCodec(Schema((shut,), Target("y", (False, True))))
    body = b'[{"plan": "gold"}, {"plan": "zzz"}]'
    with pytest.raises(RowsError) as caught:
        codec.decode_json(body, single=False)
    assert [(p.row, p.field) for p in caught.value.problems] == [(1, "plan")]
    assert codec.decode_json(body, single=False, partial=True).indices == [0]
    with pytest.raises(RowsError):
        codec.decode_columns({"plan": ["gold", "zzz"]})
    assert list(codec.decode_columns({"plan": ["gold", "pro"]}).indices) == [0, 1]


LONG = [ROW | {"note": "x" * 300, "age": index} for index in range(2_000)]


def test_a_long_list_is_read_in_blocks_to_the_same_rows():
    decoded = encode(LONG)
    assert decoded.batch.matrix[:, 0].tolist() == list(range(2_000))
    assert decoded.batch.texts == (["x" * 300] * 2_000,)
    assert decoded.rows == len(decoded.indices) == 2_000


def test_rows_of_a_later_block_are_named_by_their_index_in_the_whole():
    rows = [*LONG[:1_900], ROW | {"home": "tent"}, ROW | {"age": "x"}, *LONG[1_902:]]
    assert encode(rows[:1_901]).unknown == ((1_900, "home"),)
    assert problems(rows) == {(1_901, "age", "string")}
    decoded = encode(rows, partial=True)
    assert [fault.row for fault in decoded.problems] == [1_901]
    assert list(decoded.indices) == [*range(1_901), *range(1_902, 2_000)]
    assert decoded.unknown == ((1_900, "home"),)


@pytest.mark.parametrize("rows", [[ROW] * 11, LONG, [{"incom": 1}] * 50_000])
def test_rows_are_refused_at_the_limit_in_every_way(rows):
    body = json.dumps(rows).encode()
    for call in (
        lambda: CODEC.decode_json(body, single=False, partial=True, most_rows=10),
        lambda: CODEC.decode_objects(iter(rows), partial=True, most_rows=10),
        lambda: CODEC.decode_columns({"age": ["1"] * len(rows)}, partial=True, most_rows=10),
    ):
        with pytest.raises(TooManyRows, match="more than 10 rows"):
            call()


def test_a_partial_answer_lists_a_hundred_problems_and_counts_the_others():
    decoded = encode([ROW, *[{"incom": 1}] * 300], partial=True)
    assert (len(decoded.problems), decoded.rows, len(decoded.indices)) == (100, 301, 1)
    # `incom` is a near miss of a field that may be missing; age, note and records may not.
    assert decoded.more_problems == 300 * 4 - 100
    assert decoded.problems[0].hint == "income"


def test_a_near_miss_is_looked_for_among_the_first_names_only():
    with pytest.raises(RowsError) as refused:
        encode(ROW | {f"incom{index}": 1 for index in range(50)})
    assert sum(fault.hint is not None for fault in refused.value.problems) == 10


def test_a_hundred_warnings_are_listed_and_the_others_counted():
    decoded = encode([ROW | {"home": "tent"}] * 5_000)
    assert (len(decoded.unknown), decoded.more_warnings) == (100, 4_900)
    patient = encode([ROW | {"home": "tent", "age": 30.0}] * 9_000)
    assert (len(patient.unknown), patient.more_warnings) == (100, 8_900)


@pytest.mark.parametrize("kind", ["number", "integer", "boolean"])
@pytest.mark.parametrize("word", ["NA", "NaN"])
def test_what_r_writes_for_a_missing_number_is_missing(kind: Kind, word: str) -> None:
    def decode(value: Any, **options: bool) -> Decoded:
        feature = Feature("a", kind, nullable=options.get("nullable", False))
        schema = Schema((feature,), SIGNATURE.target, imputes=options.get("imputes", False))
        return RowCodec(schema).decode_objects([{"a": value}], strict=options.get("strict", False))

    assert np.isnan(decode(word, nullable=True, strict=True).batch.matrix[0, 0])
    assert decode(word, imputes=True).missing == ((0, "a"),)
    for options in ({}, {"imputes": True, "strict": True}):
        with pytest.raises(RowsError) as refused:
            decode(word, **options)
        assert refused.value.problems[0].got == "null"
    with pytest.raises(RowsError):
        decode("Inf", nullable=True)


def test_a_category_may_be_called_na() -> None:
    land = Feature("land", "category", categories=("DE", "NA"))
    codec = RowCodec(Schema((land,), SIGNATURE.target))
    assert codec.decode_objects([{"land": "NA"}]).batch.matrix.tolist() == [[1.0]]


def test_words_that_are_no_category_are_kept_where_a_codec_keeps_them():
    others = Feature("city", "category", categories=("a", "b"), other=True)
    home = Feature("home", "category", True, ("owner", "rent"))
    codec = RowCodec(Schema((Feature("age", "integer"), home, others), Target("y", (0, 1))))
    rows = [
        {"age": 1, "home": "rent", "city": "a"},
        {"age": 1, "home": None, "city": "z"},
        {"age": 1.0, "home": "cave", "city": "b"},  # 1.0: the patient way
    ]
    body, expected = json.dumps(rows).encode(), {(1, 2, "z"), (2, 1, "cave")}
    assert codec.decode_json(body, single=False).unseen == ()
    codec.keeps_words = True
    assert set(codec.decode_json(body, single=False).unseen) == expected
    quick = json.dumps(rows[:2]).encode()
    assert codec.decode_json(quick, single=False).unseen == ((1, 2, "z"),)
    assert codec.decode_json(json.dumps(rows[1]).encode(), single=True).unseen == ((0, 2, "z"),)
    assert set(codec.decode_objects([{}, *rows], partial=True).unseen) == expected
    columns = {"age": ["1", "1"], "home": ["", " cave "], "city": ["a", "y"]}
    assert set(codec.decode_columns(columns).unseen) == {(1, 1, "cave"), (1, 2, "y")}
    # Of a block at a time, rows count on.
    many = [rows[0]] * 5000 + [rows[1]]
    assert codec.decode_objects(many).unseen == ((5000, 2, "z"),)


@pytest.mark.parametrize("name", ['a"b', "a\\b", "line\nbreak", "tab\there", "\x1f"])
def test_names_that_msgspec_takes_for_no_field_are_read_all_the_same(name):
    codec = RowCodec(Schema((Feature(name, "number", example=1.0),), Target("y", (False, True))))
    body = json.dumps({name: 2.5}).encode()
    assert codec.decode_json(body, single=True).batch.matrix.tolist() == [[2.5]]


def test_nan_as_python_writes_it_is_a_missing_value():
    row, expected = ROW | {"income": math.nan}, CODEC.decode_objects([ROW | {"income": None}])
    for body in (row, [row]):
        decoded = CODEC.decode_json(json.dumps(body).encode(), single=body is row)
        np.testing.assert_array_equal(decoded.batch.matrix, expected.batch.matrix)
    with pytest.raises(RowsError) as refused:
        CODEC.decode_json(json.dumps(ROW | {"age": math.nan}).encode(), single=True)
    assert refused.value.problems[0].got == "null"
