"""Columns: numbers, missing words and categories, decided by the column and the table."""

from __future__ import annotations

import io
import json
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from errors import DatasetError
from tables.column import MANY_CATEGORIES, File, encode_column, read_columns
from tables.dataset import encode, read_dataset
from tables.numbers import NumberFormat
from tables.readers import delimited, read_table
from tables.readers.body import read_body
from tables.readers.delimited import MANY_LINES
from tables.rows import RowCodec
from tables.schema import Schema
from tables.texts import texts_of
from tests.tables.test_numbers import formats, write

ROWS = 60
PLAIN_FILE = File()
CASES = Path(__file__).resolve().parents[3] / "shared" / "cases"


def column(cells, file=PLAIN_FILE, others=None, **kinds):
    """The column of these cells repeated to sixty rows, as a list and packed alike."""
    filled = [cells[i % len(cells)] for i in range(ROWS)]
    given = {"x": filled, **{name: (more * ROWS)[:ROWS] for name, more in (others or {}).items()}}
    packed = {name: texts_of(more) for name, more in given.items()}
    found, _ = read_columns(given, str, kinds, {}, file)
    same, _ = read_columns(packed, str, kinds, {}, file)
    assert found["x"].feature == same["x"].feature
    assert found["x"].notes == same["x"].notes
    np.testing.assert_array_equal(found["x"].values, same["x"].values)
    return found["x"]


NUMBERS = [str(i * 3.5) for i in range(20)]


@pytest.mark.parametrize(
    "word", ["-", "--", ".", "n/a", "None", "unknown", "#DIV/0!", "-1.#IND", "N.A.", "pending"]
)
def test_a_word_among_numbers_is_missing_and_said(word):
    found = column([*NUMBERS, word])
    assert found.feature.kind == "number"
    assert found.feature.missing == (word,)
    assert found.feature.nullable
    assert np.isnan(found.values[20])
    assert f"x: {word!r} is read as missing, in 2 rows" in found.notes


@pytest.mark.parametrize("word", ["NA", "?", "NULL", ""])
def test_what_always_means_missing_is_not_said(word):
    found = column([*NUMBERS, word])
    assert found.feature.missing == ()
    assert found.feature.nullable
    assert found.notes == ()


@pytest.mark.parametrize("cells", [["1", "none"], ["90+", "90+", *NUMBERS], ["3", "4", "5+"]])
def test_other_words_among_numbers_are_categories(cells):
    assert column(cells).feature.kind == "category"


def test_missing_words_stay_values_of_a_category():
    found = column(["rent", "-", "unknown", "None", "NA"])
    assert found.feature.categories == ("-", "NA", "None", "rent", "unknown")
    assert found.notes == ("x: NA is read as a value, not as missing",)


def test_missing_words_of_the_table_s_numbers_are_missing_in_its_categories():
    found = column(["rent", "-", "own"], others={"n": ["1", "-", "3"]})
    assert found.feature.categories == ("own", "rent")
    assert found.feature.missing == ("-",)
    found = column(["rent", "NA", "own"], others={"n": ["1", "NA", "3"]})
    assert (found.feature.categories, found.feature.nullable) == (("own", "rent"), True)


def test_namibia_is_a_country_even_then():
    found = column(["NL", "NA", "ZA"], others={"n": ["1", "NA", "3"]})
    assert found.feature.categories == ("NA", "NL", "ZA")


def test_json_and_a_table_agree_on_missing_words():
    table = read_table(io.BytesIO(b"x,n,y\n" + b"rent,1,a\n-,-,b\nown,3,a\n" * 20))
    schema = read_dataset(table, "y").schema
    codec = RowCodec(schema)
    sent = codec.decode_columns({"x": ["-", "rent"], "n": ["-", "1"]}).batch.matrix
    same = codec.encode_objects([{"x": "-", "n": None}, {"x": "rent", "n": 1}]).matrix
    quick = codec.decode_json(b'[{"x":"-","n":null},{"x":"rent","n":1}]', single=False)
    np.testing.assert_array_equal(sent, same)
    np.testing.assert_array_equal(sent, quick.batch.matrix)
    assert np.isnan(sent[0]).all()


def test_dates_with_a_word_of_their_own_are_dates():
    found = column([*(f"2024-01-{1 + i % 28:02}" for i in range(28)), "pending"])
    assert found.feature.kind == "date"
    assert found.feature.missing == ("pending",)
    assert found.notes == ("x: 'pending' is read as missing, in 2 rows",)
    assert np.isnan(found.values[28]).all()


DAYS = ["01/02/2024", "03/04/2024", "05/05/2024"]


@pytest.mark.parametrize(
    ("file", "others", "day_first"),
    [
        (File(","), {}, False),
        (File(";"), {}, True),
        (File(",", decimal=","), {}, True),
        (File(";", day_first=False), {}, False),
        (File(","), {"other": ["31/12/2023", "01/02/2024"]}, True),
        (File(";"), {"other": ["12/31/2023", "01/02/2024"]}, False),
    ],
)
def test_the_table_decides_whether_the_day_is_first(file, others, day_first):
    found = column(DAYS, file, others)
    assert found.feature.dates.day_first == day_first
    (note,) = found.notes
    assert note.startswith("x has dates that leave open what is the day: the ")
    assert note.endswith("day_first says otherwise")


def test_a_day_above_twelve_decides_without_a_note():
    found = column([*DAYS, "13/01/2024"])
    assert found.feature.dates.day_first
    assert found.notes == ()


def test_dates_that_contradict_each_other_are_left_out():
    found = column([*DAYS, "13/01/2024", "01/13/2024"])
    assert found.feature is None
    assert "contradict" in found.notes[0]


@given(
    st.lists(st.one_of(st.none(), st.datetimes()), min_size=2, max_size=30),
    st.sampled_from(["%Y-%m-%d", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M:%S.%f"]),
    st.sampled_from(["", " ", "NA"]),
)
@settings(max_examples=50)
def test_a_packed_column_of_dates_is_read_as_a_list_is(moments, layout, missing):
    # Of a year below 1000, the C library writes fewer digits.
    cells = [
        missing
        if moment is None
        else moment.replace(year=1000 + moment.year % 9000).strftime(layout)
        for moment in moments
    ]
    found = column(cells).feature
    if found is not None and found.dates is not None:
        listed = encode_column(found, cells, ())
        np.testing.assert_array_equal(listed, encode_column(found, texts_of(cells), ()))


def test_offsets_that_differ_are_told_by_one_clock():
    found = column(["2024-01-01T01:00:00+02:00", "2024-01-01T01:00:00Z"])
    assert found.feature.dates.zone == 0
    assert found.values[:2, 0].tolist() == [2023, 2024]
    assert found.notes == ("x has offsets from UTC that differ: UTC's clock is read",)


def test_numbers_are_dates_where_they_can_be_nothing_else_or_where_it_is_said():
    compact = column([f"202401{1 + i:02}" for i in range(20)])
    assert (compact.feature.kind, compact.feature.dates.unit) == ("date", "ymd")
    assert compact.notes == ("x has numbers such as 20240101, read as dates",)
    seconds = [str(1_704_067_200 + 3600 * i) for i in range(20)]
    assert column(seconds).feature.kind == "integer"
    said = column(seconds, x="date")
    assert (said.feature.dates.unit, said.feature.dates.zone) == ("s", 0)
    assert said.notes == ("x has seconds since 1970, read as dates",)
    assert column(["45292.25", "45293.5"], x="date").feature.dates.unit == "excel"


def test_what_is_said_to_be_dates_and_is_none_is_refused_by_row():
    with pytest.raises(DatasetError, match="column x, 1: not of kind date"):
        column(["2024-01-01", "soon", "later"], x="date")
    with pytest.raises(DatasetError, match="no date"):
        column(["1e14", "2e16"], x="date")


def test_the_table_decides_what_a_column_leaves_open():
    open_ = ["1.167", "836", "2.001"]
    assert column(open_).feature.maximum == 836
    assert column(open_, File(";")).feature.maximum == 2001
    assert column(open_, File(";", ".")).feature.maximum == 836
    found = column(open_, File("\t"), {"price": ["1,5", "2,25"]})
    assert found.feature.maximum == 2001
    assert "as the table's other numbers are" in found.notes[0]


def test_integers_that_32_bits_do_not_tell_apart_are_said():
    found = column([str(20_000_000 + i) for i in range(40)])
    assert any("40 different integers, of which 32 bits tell 21 apart" in n for n in found.notes)
    assert column([str(i * 16) for i in range(40)]).notes == ()


def test_a_settled_kind_that_does_not_fit_is_refused_with_its_row():
    with pytest.raises(DatasetError, match="column x, 1: not of kind integer"):
        column(["1", "2.5"], x="integer")
    with pytest.raises(DatasetError, match="column x, 1: not of kind number"):
        column(["1", "b"], x="number")
    assert column(["01", "02"], x="integer").feature.maximum == 2


def test_many_categories_are_said_from_their_number_on():
    assert MANY_CATEGORIES == 100
    assert column([f"v{i}" for i in range(30)]).notes == ()
    assert column([f"v{i}" for i in range(31)]).notes == ("x has 31 categories in 60 rows",)


def test_a_plain_table_s_schema_says_nothing_of_how_it_was_written():
    table = read_table(io.BytesIO(b"a,b,y\n" + b"1.5,u,p\n,NA,q\n2,w,p\n" * 20))
    written = msgspec.json.encode(read_dataset(table, "y").schema)
    for member in (b"dialect", b"written", b"missing"):
        assert member not in written


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.integers(-(10**7), 10**7).map(lambda cents: cents / 100), min_size=3, max_size=9),
    formats,
    st.sampled_from(",;\t|"),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "cp1252"]),
    st.sampled_from(["\n", "\r\n", "\r"]),
    st.sampled_from(["", "-", "n/a"]),
    st.sampled_from([0, MANY_LINES]),
)
def test_a_table_of_any_locale_is_read_back_and_predicts(
    numbers, written, delimiter, encoding, ending, missing, many
):
    rows = [("preço", "colour", "y")]
    for i, number in enumerate([*numbers, None] * 4):
        cell = missing if number is None else write(number, written)
        rows.append((f'"{cell}"', ("azul", "é")[i % 2], "ab"[i % 3 == 0]))
    text = "".join(delimiter.join(row) + ending for row in rows)
    data = text.encode(encoding)
    head = ending.join(text.split(ending)[:5]).encode(encoding)
    if len(set(numbers)) < 2:
        return
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(delimited, "MANY_LINES", many)
        check_it_is_read_back(data, head, [*numbers, None] * 4)


def check_it_is_read_back(data, head, numbers):
    dataset = read_dataset(read_table(io.BytesIO(data)), "y")
    expected = np.array([np.nan if n is None else n for n in numbers], np.float32)
    np.testing.assert_array_equal(dataset.batch.matrix[:, 0], expected)
    again = msgspec.json.decode(msgspec.json.encode(dataset.schema), type=Schema)
    for body, count in ((data, len(expected)), (head, 4)):
        sent = read_body(body, again)
        decoded = RowCodec(again).decode_columns(sent.columns, dialect=sent.dialect)
        np.testing.assert_array_equal(decoded.batch.matrix, dataset.batch.matrix[:count])
    np.testing.assert_array_equal(
        encode(read_table(io.BytesIO(data)), again).matrix, dataset.batch.matrix
    )


def many(count=1200, rows=6000):
    """A category of so many values, of which the first few are common."""
    return [f"v{i % 20}" if i % 2 else f"w{i % (2 * count) // 2}" for i in range(rows)]


def test_of_too_many_categories_the_commonest_are_told_apart():
    cells = many()
    for packed in (cells, texts_of(cells)):
        found = read_columns({"x": packed}, str, {}, {}, PLAIN_FILE)[0]["x"]
        feature = found.feature
        assert feature is not None
        assert (feature.kind, feature.other) == ("category", True)
        assert set(feature.categories) == {f"v{i}" for i in range(1, 20, 2)}
        assert max(found.values) == len(feature.categories)
        assert found.notes == (
            "x has 1210 categories in 6000 rows: the 10 commonest are told apart, "
            "and the rest are one",
        )


def test_the_rest_of_many_categories_is_one_and_never_unknown():
    table = read_table(io.BytesIO(b"x,y\n" + b"".join(f"{v},{v[0]}\n".encode() for v in many())))
    dataset = read_dataset(table, "y")
    codec = RowCodec(dataset.schema)
    rows = [{"x": "w5"}, {"x": "never seen"}, {"x": "v3"}]
    body = json.dumps(rows).encode()
    for decoded in (
        codec.decode_json(body, single=False),
        codec.decode_json(body, single=False, strict=True),
        codec.decode_columns({"x": [row["x"] for row in rows]}),
    ):
        assert decoded.unknown == ()
        assert decoded.batch.matrix[:, 0].tolist() == [10, 10, 6]
    single = codec.decode_json(b'{"x":"never seen"}', single=True)
    assert (single.unknown, single.batch.matrix.tolist()) == ((), [[10]])
    again = codec.encode_objects(dataset.objects(range(100)))
    np.testing.assert_array_equal(again.matrix, dataset.batch.matrix[:100])
    np.testing.assert_array_equal(encode(table, dataset.schema).matrix, dataset.batch.matrix)


def test_values_that_hardly_recur_are_an_identifier():
    columns, _ = read_columns({"x": [f"C{i // 2}" for i in range(3000)]}, str, {}, {}, PLAIN_FILE)
    assert columns["x"].feature is None
    assert "hardly a value recurs; kind text says otherwise" in columns["x"].notes[0]


@pytest.mark.skipif(not CASES.is_dir(), reason="the shared cases are not beside this checkout")
@pytest.mark.parametrize(
    ("file", "name", "unspaced"),
    [
        ("short-unique-text/shorttext.csv", "name", False),
        ("text-without-spaces/chinese.csv", "review", True),
        ("held/newline.csv", "note", False),
    ],
)
def test_the_texts_that_people_reported_are_texts(file, name, unspaced):
    dataset = read_dataset(read_table(io.BytesIO((CASES / file).read_bytes())), "y")
    feature = dataset.schema.features[0]
    assert (feature.name, feature.kind, feature.unspaced) == (name, "text", unspaced)


@pytest.mark.skipif(not CASES.is_dir(), reason="the shared cases are not beside this checkout")
def test_integers_that_fall_together_are_said_and_larger_ones_refused():
    large = CASES / "large-integers"
    notes = read_dataset(read_table(large / "parity_long.csv"), "y").notes
    assert "code has 400 different integers, of which 32 bits tell 201 apart" in notes
    with pytest.raises(DatasetError, match="the number is too large"):
        read_dataset(read_table(large / "hugeint.csv"), "y")


@pytest.mark.skipif(not CASES.is_dir(), reason="the shared cases are not beside this checkout")
def test_what_held_is_read_as_ever():
    held = CASES / "held"
    kinds = {
        file: [f.kind for f in read_dataset(read_table(held / file), "y").schema.features]
        for file in ("bools.csv", "names_data.csv", "names2.csv")
    }
    assert kinds["bools.csv"] == ["boolean", *["category"] * 3, "number"]
    assert kinds["names_data.csv"] == ["number", "category", "number"]
    assert set(kinds["names2.csv"]) == {"number"}
    with pytest.raises(DatasetError, match="column a, row 291"):
        read_dataset(read_table(held / "late_word.csv"), "y")


@pytest.mark.skipif(not CASES.is_dir(), reason="the shared cases are not beside this checkout")
@pytest.mark.parametrize("file", ["ampm", "excel", "iso_tz", "some"])
def test_the_dates_that_people_reported_are_dates_and_predict(file):
    data = (CASES / "dates-with-time" / f"dates_{file}.csv").read_bytes()
    dataset = read_dataset(read_table(io.BytesIO(data)), "y")
    assert [feature.kind for feature in dataset.schema.features] == ["date", "number"]
    sent = read_body(data, dataset.schema)
    codec = RowCodec(dataset.schema)
    decoded = codec.decode_columns(sent.columns, dialect=sent.dialect)
    np.testing.assert_array_equal(decoded.batch.matrix, dataset.batch.matrix)
    again = codec.encode_objects(dataset.objects(range(dataset.rows)))
    np.testing.assert_array_equal(again.matrix, dataset.batch.matrix)


@pytest.mark.skipif(not CASES.is_dir(), reason="the shared cases are not beside this checkout")
@pytest.mark.parametrize(
    ("file", "name", "written", "maximum"),
    [
        ("brazil/br_thousands.csv", "area", NumberFormat(",", "."), 4878),
        ("brazil/br_ok.csv", "área", NumberFormat(","), 4878),
        ("brazil/br_latin1.csv", "renda", NumberFormat(",", ".", "R$"), 1_245_000),
        ("currency-percent/currency.csv", "price", NumberFormat(".", ",", "$"), 7648.94),
        ("thousands-separator/thousands.csv", "income", NumberFormat(".", ","), 76489),
        ("sentinel-in-numbers/sentinel_dash.csv", "income", None, 7648.94),
    ],
)
def test_the_cases_that_people_reported_are_numbers_and_predict(file, name, written, maximum):
    data = (CASES / file).read_bytes()
    table = read_table(io.BytesIO(data))
    dataset = read_dataset(table, list(table.columns)[-1])
    (feature,) = (f for f in dataset.schema.features if f.name == name)
    assert (feature.written, feature.maximum) == (written, maximum)
    sent = read_body(data, dataset.schema)
    decoded = RowCodec(dataset.schema).decode_columns(sent.columns, dialect=sent.dialect)
    np.testing.assert_array_equal(decoded.batch.matrix, dataset.batch.matrix)


@pytest.mark.parametrize(("rows", "said"), [(10, True), (9, False)])
def test_ten_different_integers_look_like_an_identifier(rows, said):
    found, _ = read_columns({"x": list(range(rows))}, str, {}, {}, PLAIN_FILE)
    assert any("looks like an identifier" in note for note in found["x"].notes) is said
