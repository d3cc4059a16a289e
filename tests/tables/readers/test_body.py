"""The bytes of a request: read as the file that the model was learnt from."""

from __future__ import annotations

import io
import subprocess
import sys

import numpy as np
import pytest

from errors import DatasetError, ParseError, RowsError, TooManyRows
from tables.dataset import read_dataset
from tables.dialect import Dialect
from tables.readers import read_table
from tables.readers.body import read_body
from tables.readers.delimited import MANY_LINES
from tables.rows import RowCodec
from tables.schema import Feature, Schema, Target

SCHEMA = Schema(
    (Feature("a", "number"), Feature("b", "category", categories=("x", "y"))), Target("y", (0, 1))
)
EURO = Schema(SCHEMA.features, SCHEMA.target, (), Dialect(";", decimal=","))


def columns(body, schema=SCHEMA, **options):
    data = body.encode() if isinstance(body, str) else body
    return {name: list(cells) for name, cells in read_body(data, schema, **options).columns.items()}


def values(body, schema, **options):
    """The first row of a body, encoded."""
    found = read_body(body.encode(), schema, **options)
    decoded = RowCodec(schema).decode_columns(found.columns, dialect=found.dialect)
    return decoded.batch.matrix[0].tolist()


def test_csv_with_quotes_line_breaks_and_a_bom_is_read():
    assert columns('\ufeffa,b\r\n1,"x, ""y""\nz"\r\n\r\n,2\r\n') == {
        "a": ["1", ""],
        "b": ['x, "y"\nz', "2"],
    }


def test_a_header_alone_is_a_table_without_rows():
    assert columns("a,b\n") == {"a": [], "b": []}


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"", "the body is empty; expected CSV"),
        (b"\n\n", "the body is empty; expected CSV"),
        (b"\x1f", "the body is empty; expected CSV"),
        (b"a,a\n1,2\n", "the CSV header names a column twice"),
        (b"a\n\xff\n", "the body is not UTF-8: byte 2"),
        (b'a\n"open\n', "the body is not CSV: unexpected end of data"),
        (b"a,,b\n1,2,x\n", "no name for column 2"),
        ("a,b\n1,\0\n".encode("utf-16"), "the body is not text: line 2 has a zero byte"),
    ],
)
def test_what_is_no_table_is_malformed(body, why):
    with pytest.raises(ParseError, match=why):
        columns(body)


def test_ragged_rows_are_named():
    for more in ("", "1,x\n" * MANY_LINES):
        with pytest.raises(RowsError) as refused:
            columns("a,b\n1,2\n1\n1,2,3\n" + more)
        problems = [(f.row, f.got) for f in refused.value.problems]
        assert problems == [(1, "1 cells"), (2, "3 cells")]


@pytest.mark.parametrize(
    "body",
    [
        "a;b\n1,5;x\n",
        "a\tb\n1.5\tx\n",
        "sep=|\na|b\n1.5|x\n",
        "a, b\n1.5, x\n",
        ",a,b\n7,1.5,x\n",
        "a,b,\n1.5,x,\n,,\n",
        "Report,\n\na,b\n1.5,x\n",
        "# by R\ra,b\r1.5,x\r",
        "y;b;a\n1;x;1,5\n",
    ],
)
@pytest.mark.parametrize("schema", [SCHEMA, EURO])
def test_a_row_is_read_whatever_program_wrote_it(body, schema):
    assert values(body, schema) == [1.5, 0]


def test_a_header_of_unknown_names_is_kept_for_the_codec_to_name():
    assert columns("aa,bb\n1,x\n") == {"aa": ["1"], "bb": ["x"]}


@pytest.mark.parametrize(
    ("body", "schema"),
    [
        ("1.5,x\n", SCHEMA),
        ("1,5;x\n", EURO),
        ("1.5,x\n", EURO),
        ("1.5\tx\n", SCHEMA),
        ("b;a\nx;1,5\n", EURO),
    ],
)
def test_lines_without_a_header_are_parted_as_the_model_s_file_was(body, schema):
    assert values(body, schema, header=False) == [1.5, 0]


def test_lines_without_a_header_that_no_delimiter_parts_so_are_named():
    with pytest.raises(RowsError) as refused:
        columns("1,2,3\n", EURO, header=False)
    assert [(f.row, f.expected, f.got) for f in refused.value.problems] == [
        (0, "2 cells", "1 cells")
    ]


FILES = {
    "semicolons": "a;b;y\n{}",
    "spaces": "a, b, y\n{}",
    "index": ",a,b,y\n{}",
    "row names": "a,b,y\n{}",
    "comment": "# made\na|b|y\n{}",
    "twice": "a,b,a,y\n{}",
    "cp1252": "a;b\xe9;y\n{}",
}
ROWS = {
    "semicolons": "{n},5;{w};{l}",
    "spaces": '{n}.5, "{w}, or", {l}',
    "index": "{i},{n}.5,{w},{l}",
    "row names": "row {i},{n}.5,{w},{l}",
    "comment": "{n}.5|{w}|{l}",
    "twice": "{n}.5,{w},{i},{l}",
    "cp1252": "{n},5;{w};{l}",
}


@pytest.mark.parametrize("name", list(FILES))
@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("count", [40, MANY_LINES + 9])
def test_the_file_that_trains_predicts(name, ending, count):
    rows = [
        ROWS[name].format(i=i, n=i % 7, w=("blue", "réd", "")[i % 3], l="ab"[i % 2])
        for i in range(count)
    ]
    text = FILES[name].format("\n".join(rows)).replace("\n", ending)
    data = text.encode("cp1252" if name == "cp1252" else "utf-8")
    dataset = read_dataset(read_table(io.BytesIO(data)), "y")
    assert len(dataset.schema.features) >= 2
    body = read_body(data, dataset.schema)
    sent = RowCodec(dataset.schema).decode_columns(body.columns, dialect=body.dialect).batch
    np.testing.assert_array_equal(sent.matrix, dataset.batch.matrix)
    assert sent.texts == dataset.batch.texts


MIXED = ["age", "income", "home", "records", "note", "y"]
CELLS = [
    ["30", "1.5", "rent", "yes", "a few words more", "a"],
    ["41", "-2.25", "owner", "no", "and then some more", "b"],
    ["52", "3.", "", "No", "these are others, of course", "a"],
    ["63", "4e2", "rent", "YES", "nothing is the same", "b"],
    ["74", "NA", "other", "yes", "the last of them", "a"],
    ["85", "0.5", "rent", "no", "not quite the last", "b"],
] * 2


def mixed(separator: str = ",", end: str = "\n", names: list[str] = MIXED, **cells: str) -> bytes:
    """Return the rows as a file; `cells` are put into the first row, by column."""
    first = [cells.get(name, cell) for name, cell in zip(MIXED, CELLS[0], strict=True)]
    quoted = [
        [f'"{c}"' if separator in c else c for c in row] for row in (names, first, *CELLS[1:])
    ]
    return (end.join(separator.join(row) for row in quoted) + end).encode()


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(mixed(), id="commas"),
        pytest.param(mixed(end="\r\n"), id="Windows"),
        pytest.param(b"\xef\xbb\xbf" + mixed(), id="byte order mark"),
        pytest.param(mixed().replace(b"\n", b"\n\n"), id="blank lines"),
        pytest.param(mixed(age=" 30 ", home=" rent ", income=" ", y=" a "), id="spaces"),
        pytest.param(mixed(note=" "), id="a text of spaces"),
        pytest.param(mixed(home="null", income="#N/A"), id="missing"),
        pytest.param(mixed(note='"two\nlines"'), id="a line end in a cell"),
        pytest.param(mixed(";"), id="semicolons"),
        pytest.param(mixed("\t"), id="tabs"),
        pytest.param(mixed(";").replace(b".5", b",5").replace(b".25", b",25"), id="decimal commas"),
        pytest.param(mixed() + b",,,,,\n", id="a row of nothing"),
        pytest.param(mixed(names=[f" {name} " for name in MIXED]), id="spaced names"),
        pytest.param(mixed(records="yEs"), id="a word in any case"),
    ],
)
def test_a_table_of_every_kind_of_feature_is_read_alike(data):
    dataset = read_dataset(read_table(io.BytesIO(data)), "y")
    body = read_body(data, dataset.schema)
    sent = RowCodec(dataset.schema).decode_columns(body.columns, dialect=body.dialect).batch
    np.testing.assert_array_equal(sent.matrix, dataset.batch.matrix)
    assert sent.texts == dataset.batch.texts


def test_an_infinite_number_is_refused_by_both():
    dataset = read_dataset(read_table(io.BytesIO(mixed())), "y")
    data = mixed(income="inf")
    with pytest.raises(DatasetError, match="column income, row 1"):
        read_dataset(read_table(io.BytesIO(data)), "y")
    body = read_body(data, dataset.schema)
    with pytest.raises(RowsError) as refused:
        RowCodec(dataset.schema).decode_columns(body.columns, dialect=body.dialect)
    assert [(f.row, f.field) for f in refused.value.problems] == [(0, "income")]


def test_a_short_body_is_read_without_pyarrow(root):
    code = (
        "import sys; from tables.readers.body import read_body;"
        "from tables.schema import Feature, Schema, Target;"
        "schema = Schema((Feature('a', 'number'),), Target('y', (0, 1)));"
        "read_body(b'a\\n' + b'1\\n' * 50, schema); print('pyarrow' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("False\n", "")


@pytest.mark.parametrize("header", [True, False])
@pytest.mark.parametrize("body", [b",", b",,\n,,\n", b";", b'""\n', b"sep=;\n;;\n"])
def test_a_body_of_empty_cells_alone_is_refused(body, header):
    with pytest.raises(ParseError, match="the body is empty"):
        read_body(body, SCHEMA, header=header)


def test_a_header_is_looked_for_in_the_first_twenty_records():
    assert columns("some title\n" * 19 + "a,b\n1,x\n") == {"a": ["1"], "b": ["x"]}
    with pytest.raises(RowsError):
        columns("some title\n" * 20 + "a,b\n1,x\n")


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("schema", [SCHEMA, EURO])
def test_a_quoted_header_is_read_whichever_its_delimiter(schema, delimiter):
    body = f'"a"{delimiter}"b"\n"1"{delimiter}"x"\n'
    assert columns(body, schema) == {"a": ["1"], "b": ["x"]}
    rows = f'"1"{delimiter}"x"\n'
    assert columns(rows, schema, header=False) == {"a": ["1"], "b": ["x"]}


@pytest.mark.parametrize("charset", ["windows-1252", "ISO-8859-1", "utf-16le", "utf-8", ""])
def test_a_body_is_of_the_encoding_that_its_client_names(charset):
    body = "a,b\n1,é\n".encode(charset or "utf-8")
    found = read_body(body, SCHEMA, charset=charset)
    assert list(found.columns["b"]) == ["é"]


@pytest.mark.parametrize("charset", ["unicode_escape", "zip", "punycode", "nonsense"])
def test_an_encoding_that_is_none_of_text_is_refused(charset):
    with pytest.raises(ParseError, match="charset: expected one of utf-8"):
        read_body(b"a,b\n1,x\n", SCHEMA, charset=charset)


def test_a_body_that_is_not_of_its_encoding_is_refused():
    with pytest.raises(ParseError, match="not windows-1252: byte 6"):
        read_body(b"a,b\n1,\x81\n", SCHEMA, charset="windows-1252")


@pytest.mark.parametrize(
    "body", [b"x\n" + b"1\n" * 200_000, b"\n" * 500_000, b'"x"\n' + b'"\n"\n' * 150_000]
)
def test_rows_are_counted_before_they_are_read(body):
    with pytest.raises(TooManyRows, match="more than 1000 rows"):
        read_body(b"x\n1\n" + body, NUMBERED, most_rows=1_000)


def test_a_line_is_no_longer_than_a_row_may_be():
    with pytest.raises(TooManyRows, match="a row is longer than"):
        read_body(b"x\n" + b"1" * 600_000, NUMBERED)


def test_a_table_of_another_layout_is_one_problem():
    with pytest.raises(RowsError, match="no row has as many cells as the header: 1") as refused:
        read_body(b"x\n" + b"1,2,3\n" * 500, NUMBERED)
    (problem,) = refused.value.problems
    assert (problem.expected, problem.got) == ("1 cells", "3 cells")


NUMBERED = Schema((Feature("x", "number"),), Target("y", (0, 1)))
