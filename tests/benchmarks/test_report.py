from __future__ import annotations

from pathlib import Path

from benchmarks.report import Reach, megabytes, milliseconds, ratio, reaches, table, write_section


def test_a_section_replaces_its_own_and_leaves_the_others(tmp_path: Path) -> None:
    file = tmp_path / "RESULTS.md"
    for name, text in (("one", "first"), ("two", "second"), ("three", "third")):
        write_section(name, text, file)
    file.write_text(file.read_text() + "\nSaid by hand.\n")
    before = file.read_text()

    write_section("two", "second again\n\n| a |", file)
    assert file.read_text() == before.replace("second", "second again\n\n| a |")
    write_section("two", "second", file)
    assert file.read_text() == before
    assert before.startswith("# Benchmark results\n")
    assert before.index("first") < before.index("second") < before.index("third")


def test_a_table_lines_up_its_cells() -> None:
    assert table(("", "a"), [("x", "1")]) == "|  | a |\n| --- | ---: |\n| x | 1 |\n"


def test_a_goal_says_whether_it_is_reached() -> None:
    goals = [
        Reach("small", 0.4, 0.39),
        Reach("too large", 0.4, 0.41),
        Reach("large", 0.5, 0.6, at_most=False),
        Reach("too small", 0.5, 0.4, at_most=False),
        Reach("unknown", 0.5, None),
    ]
    cells = [line.split(" | ") for line in reaches(goals).splitlines()[2:]]
    assert [c[3].removesuffix(" |") for c in cells] == ["yes", "**no**", "yes", "**no**", ""]
    assert cells[4][2] == "not measured"
    assert cells[2][1] == "at least 0.5"


def test_figures_are_short() -> None:
    assert [ratio(v) for v in (0.0071234, 1, 12.345, 1234.5)] == ["0.00712", "1", "12.3", "1,234"]
    assert [milliseconds(v) for v in (0.00123, 1.5)] == ["1.23", "1,500"]
    assert [megabytes(v) for v in (550_000, 112_250_880)] == ["0.55", "112"]
