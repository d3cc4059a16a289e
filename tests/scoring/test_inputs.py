import pytest

from errors import DatasetError
from scoring.inputs import find_inputs


def test_files_of_a_pattern_come_by_name_and_others_as_given(tmp_path):
    for name in ("b.csv", "a.csv", "z.csv"):
        (tmp_path / name).write_text(name)
    (tmp_path / "folder.csv").mkdir()
    found = find_inputs([f"{tmp_path}/z.csv", f"{tmp_path}/[ab].csv"], {})
    assert [one.path.rsplit("/")[-1] for one in found] == ["z.csv", "a.csv", "b.csv"]
    assert [one.size for one in found] == [5, 5, 5]
    with found[1].open({}) as file:
        assert file.read() == b"a.csv"


def test_a_name_with_brackets_is_a_name_first(tmp_path):
    (tmp_path / "x[1].csv").write_text("")
    assert len(find_inputs([f"{tmp_path}/x[1].csv"], {})) == 1


def test_what_is_not_there_or_given_twice_is_refused(tmp_path):
    (tmp_path / "a.csv").write_text("")
    with pytest.raises(DatasetError, match="there is no table"):
        find_inputs([f"{tmp_path}/*.parquet"], {})
    with pytest.raises(DatasetError, match="given twice"):
        find_inputs([f"{tmp_path}/a.csv", f"{tmp_path}/*.csv"], {})


def test_a_file_that_went_away_is_one_line(tmp_path):
    (tmp_path / "a.csv").write_text("")
    (one,) = find_inputs([f"{tmp_path}/a.csv"], {})
    (tmp_path / "a.csv").unlink()
    with pytest.raises(DatasetError, match="No such file"):
        one.open({})


def test_a_changed_file_is_another_input(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("1")
    before = find_inputs([str(path)], {})
    path.write_text("22")
    assert find_inputs([str(path)], {}) != before
