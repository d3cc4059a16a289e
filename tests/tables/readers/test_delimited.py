"""Delimited text: what is read and how, what is refused and where, and that both ways agree."""

from __future__ import annotations

import io

import pyarrow as pa
import pyarrow.csv
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from errors import DatasetError
from tables.dialect import Dialect
from tables.readers import delimited, read_table
from tables.readers.delimited import MANY_LINES, Source, is_regular
from tables.texts import Texts

GOOD = "age,home,label\n30,rent,yes\n41,owner,no\n"


def read(text, encoding="utf-8", **options):
    data = text.encode(encoding) if isinstance(text, str) else text
    return read_table(io.BytesIO(data), **options)


def refusal(text):
    with pytest.raises(DatasetError) as refused:
        read(text)
    assert "\n" not in str(refused.value)
    return str(refused.value)


def test_a_table_is_read_by_column_with_the_line_of_each_row():
    table = read(GOOD)
    assert table.columns == {
        "age": ["30", "41"],
        "home": ["rent", "owner"],
        "label": ["yes", "no"],
    }
    assert table.index(1) == "row 2 (line 3)"
    assert len(table) == 2


def test_a_file_is_read_by_its_path(tmp_path):
    (tmp_path / "t.csv").write_text(GOOD)
    assert read_table(tmp_path / "t.csv").columns == read(GOOD).columns
    with pytest.raises(DatasetError, match=r"cannot read the table .*No such file"):
        read_table(tmp_path / "none.csv")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_marks_endings_and_delimiters_are_found_out(encoding, ending, delimiter):
    text = GOOD.replace("home", "onde está").replace("\n", ending).replace(",", delimiter)
    table = read(text, encoding)
    assert list(table.columns) == ["age", "onde está", "label"]
    assert list(table.lines) == [2, 3]


def test_delimiters_within_quotes_are_not_taken_for_delimiters():
    table = read('a;"b, or c, or d";e\n1;"x; ""y"", z";2\n3;"u, v, w";4\n')
    assert table.columns == {
        "a": ["1", "3"],
        "b, or c, or d": ['x; "y", z', "u, v, w"],
        "e": ["2", "4"],
    }


def test_a_header_of_names_with_other_delimiters_is_told_by_the_rows():
    table = read("name;height, cm;age, years\nx;1;2\ny;3;4\n")
    assert list(table.columns) == ["name", "height, cm", "age, years"]


def test_cells_may_hold_line_breaks_and_places_count_lines():
    table = read('a,b\n"x\ny",1\nz,2\n')
    assert table.columns["a"] == ["x\ny", "z"]
    assert table.index(1) == "row 2 (line 4)"


def test_empty_rows_are_passed_over_and_lines_still_count():
    table = read("a,b\n\n1,x\n,\n2,y\n\n")
    assert table.columns == {"a": ["1", "2"], "b": ["x", "y"]}
    assert list(table.lines) == [3, 5]


def test_a_comma_is_part_of_a_cell_where_it_does_not_delimit():
    table = read("price;text\n1,5;a,b\n2;1,5\n")
    assert table.columns == {"price": ["1,5", "2"], "text": ["a,b", "1,5"]}


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "the table is empty"),
        (" \n\n", "the table is empty"),
        ("\ufeff", "the table is empty"),
        ("a,b\n", "no rows under its header, line 1"),
        ("a,,b\n1,2,3\n", "line 1, has no name for column 2"),
        (",a,b\n1,2,3\n1,3,4\n", "line 1, has no name for column 1"),
        ("a\n1\n", "one column"),
        (",age\n0,30\n", "one column with a name"),
        ('"a\nb",c\n1,x\n', "column 1, line 1, has a control character"),
        (f"{'a' * 300},b\n0,30\n", "column 1, line 1, is longer than 200"),
        ("a,b\n1,x\n2,y,z\n", "row 2 (line 3) has 3 cells, the header 2"),
        ('a,b\n"1\n1",x\n2\n', "row 2 (line 4) has 1 cells, the header 2"),
        ("a,b\n1,x\na,b\n2,y\n", "row 2 (line 3) is the header again"),
        ("a,b\n1,\0\n", "line 2 has a zero byte"),
        ('a,b\n1,"x\n2,y\n', "line 2: a quote is never closed"),
        ('a,b\n1,"x"y\n', "line 2: a quoted cell goes on"),
        ("9,rent,60\n17,rent,36\n10,owner,60\n", "no header: line 1 looks like"),
        ("1,2,3\n4,5,6\n", "no header"),
        ("a,b\né,à\nü,ö\n".encode() + b"\xff,1\n", "not UTF-8: line 4"),
    ],
)
def test_what_is_no_table_is_refused_with_its_place(text, why):
    assert why in refusal(text)


def test_names_that_are_years_do_not_make_a_header_of_data():
    assert list(read("country,code,2019\nx,a,1.5\ny,b,2.5\n").columns) == [
        "country",
        "code",
        "2019",
    ]


@pytest.mark.parametrize(
    ("text", "columns", "note"),
    [
        ("sep=;\na;b\n1;x\n2;y\n", {"a": ["1", "2"], "b": ["x", "y"]}, None),
        ("a,b,\n1,x,\n2,y,\n", {"a": ["1", "2"], "b": ["x", "y"]}, None),
        ("a,b\n1,x,\n2,y,\n", {"a": ["1", "2"], "b": ["x", "y"]}, None),
        (",a,b\n0,1,x\n1,1,y\n", {"a": ["1", "1"], "b": ["x", "y"]}, "an index"),
        ("a,b\nr1,1,x\nr2,1,y\n", {"a": ["1", "1"], "b": ["x", "y"]}, "an index"),
        ("# by R\n# x, y, z\na,b\n1,x\n", {"a": ["1"], "b": ["x"]}, "2 lines of comment"),
        ("#a,b\n1,x\n2,y\n", {"#a": ["1", "2"], "b": ["x", "y"]}, None),
        ("My report,,\n,,\na,b,c\n1,x,u\n", {"a": ["1"], "b": ["x"], "c": ["u"]}, "in line 3"),
        ("Sales\n\na,b,c\n1,x,u\n", {"a": ["1"], "b": ["x"], "c": ["u"]}, "in line 3"),
        ("Src,WB\n\na,b,2019,2020\nx,y,1,2\n", {"2019": ["1"], "2020": ["2"]}, "in line 3"),
        ("a,b,c\n1,x,u\n2,y,v\nTotal,,3\n", {"a": ["1", "2"]}, "the last row (line 4)"),
        ("a,b,a\n1,x,2\n", {"a": ["1"], "b": ["x"], "a_2": ["2"]}, "again in column 3"),
        ("a,a_2,a\n1,x,2\n", {"a": ["1"], "a_2": ["x"], "a_3": ["2"]}, "read as a_3"),
        ('a,b\n1,"x \\"y\\", z"\n2,"u"\n', {"a": ["1", "2"], "b": ['x "y", z', "u"]}, None),
        ('a,b\n1,"x\\"\n2,"u"\n', {"a": ["1", "2"], "b": ["x\\", "u"]}, None),
        ('a, b\n1, "x, y"\n2, "z"\n', {"a": ["1", "2"], "b": ["x, y", "z"]}, None),
        (f"a,b\n1,{'x' * 200_000}\n", {"a": ["1"], "b": ["x" * 200_000]}, None),
    ],
)
@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_what_programs_write_around_a_table_is_left_out_and_said(text, columns, note, ending):
    table = read(text.replace("\n", ending))
    assert {name: list(table.columns[name]) for name in columns} == columns
    if note is None:
        assert table.notes == ()
    else:
        assert any(note in said for said in table.notes)


@pytest.mark.parametrize(
    ("encoding", "note"), [("utf-16", None), ("cp1252", "cp1252"), ("latin-1", "cp1252")]
)
def test_other_encodings_are_read_and_those_that_are_guessed_are_said(encoding, note):
    table = read("age,onde está\n1,não\n2,é\n", encoding)
    assert list(table.columns["onde está"]) == ["não", "é"]
    assert table.notes == (() if note is None else (f"the table is read as {note}",))


def test_bad_lines_are_skipped_only_when_that_is_asked_for():
    text = "a,b\n1,x\n2,y,z\n3\n4,w\n"
    assert "row 2 (line 3) has 3 cells, the header 2" in refusal(text)
    table = read(text, skip_bad_lines=True)
    assert table.columns == {"a": ["1", "4"], "b": ["x", "w"]}
    assert list(table.lines) == [2, 5]
    assert table.notes == ("2 lines are left out for too many or too few cells, first line 3",)


LONG = MANY_LINES + 20


def test_a_long_table_is_read_by_pyarrow_and_its_lines_count_all():
    rows = "".join(f'{i},"x\ny"\n,\n' for i in range(LONG))
    table = read("a,b\n" + rows)
    assert isinstance(table.columns["a"], Texts)
    assert list(table.columns["a"]) == [str(i) for i in range(LONG)]
    assert table.index(2) == "row 3 (line 8)"


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ('1,"x', "line 622: a quote is never closed"),
        ('1,"x"y', "line 622: a quoted cell goes on"),
        ("1,x,y", "row 621 (line 622) has 3 cells"),
        ("a,b", "row 621 (line 622) is the header again"),
    ],
)
def test_a_long_table_is_refused_with_its_line_too(line, why):
    assert LONG == 620
    assert why in refusal("a,b\n" + "1,x\n" * LONG + line + "\n2,z\n")


@pytest.mark.parametrize(
    ("text", "regular"),
    [
        ('a,"b"\n', True),
        ('"","a""b"\n', True),
        ('"a\n,b",c\n', True),
        ('""""\n', True),
        ('5",6"\n', False),
        ('"a"b,c\n', False),
        ('"a,b\n', False),
        ('"" a,b\n', False),
        (' "a",b\n', False),
    ],
)
def test_quotes_that_the_csv_module_would_refuse_or_keep_are_not_regular(text, regular):
    assert is_regular(text.encode(), 0, ",") is regular


cells = st.text(st.sampled_from('ab ,;"\n\r\t\\é'), max_size=4)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.tuples(cells, cells), min_size=1, max_size=5),
    st.sampled_from(["\n", "\r\n", "\r"]),
    st.sampled_from(",;\t|"),
    st.booleans(),
)
def test_pyarrow_and_the_csv_module_read_the_same_rows(rows, ending, delimiter, quoted):
    def written(cell):
        if not quoted:
            return cell
        return '"' + cell.replace('"', '""') + '"' if set(cell) & set('"\n\r' + delimiter) else cell

    lines = [delimiter.join(map(written, row)) for row in (("p", "q"), *rows)]
    source = Source(ending.join([*lines, ""]).encode(), Dialect(delimiter), 1, 0)
    quick = delimited._read_quickly(source, 2, ["p", "q"])
    if quick is None:
        return
    patient = delimited._read_patiently(source, 2, ["p", "q"])
    assert [list(column) for column in quick.columns] == [list(c) for c in patient.columns]
    assert list(quick.lines) == list(patient.lines)
    assert not patient.ragged


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.tuples(st.text('abc é,;\n"', max_size=5), st.integers(0, 99)), min_size=3, max_size=9
    ),
    st.sampled_from(["\n", "\r\n"]),
    st.sampled_from(",;\t|"),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "cp1252"]),
    st.sampled_from([0, MANY_LINES]),
)
def test_a_table_written_in_any_dialect_is_read_back(rows, ending, delimiter, encoding, many):
    lines = ["word" + delimiter + "number", 'x"é' + delimiter + "1"]
    for word, number in rows:
        quoted = '"' + word.replace('"', '""') + '"'
        lines.append(f"{quoted}{delimiter}{number}")
    lines[1] = f'"x""é"{delimiter}1'
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(delimited, "MANY_LINES", many)
        table = read(ending.join([*lines, ""]), encoding)
    assert list(table.columns["word"]) == ['x"é', *(word for word, _ in rows)]
    assert list(table.columns["number"]) == ["1", *(str(n) for _, n in rows)]
    assert table.dialect.delimiter == delimiter


def test_an_interruption_while_rows_are_read_is_one(monkeypatch):
    def cancelled(*_):
        raise pa.ArrowCancelled("Operation cancelled. Detail: received signal 2")

    monkeypatch.setattr(pyarrow.csv, "read_csv", cancelled)
    with pytest.raises(KeyboardInterrupt):
        delimited._parse(memoryview(b"1,2\n"), 2, ",")
