"""What was saved as a model is named, whatever its ending says."""

from __future__ import annotations

import io
import pickle
import zipfile
from pathlib import Path

import joblib
import numpy as np
import pytest
import sklearn
from sklearn.ensemble import RandomForestClassifier

from errors import ModelFileError
from learning.imports.recognition import check_file, check_version, sklearn_version


def zipped(locked: bool = False) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("schema.json", "{}")
    data = bytearray(buffer.getvalue())
    if locked:  # the flags of the entry in the directory
        data[data.index(b"PK\x01\x02") + 8] |= 1
    return bytes(data)


def fitted() -> RandomForestClassifier:
    rows = np.arange(20.0).reshape(-1, 1)
    return RandomForestClassifier(2).fit(rows, rows[:, 0] > 9)


def dumped() -> bytes:
    buffer = io.BytesIO()
    joblib.dump(fitted(), buffer)
    return buffer.getvalue()


@pytest.mark.parametrize("ending", ["onnx", "skops", "joblib", "cbm", "json", "zip"])
@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "is empty"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n", "git lfs pull"),
        (b"\n<!DOCTYPE html><html></html>", "a web page"),
        (zipped()[:40], "cut off or damaged"),
        (zipped(locked=True), "locked by a password"),
    ],
    ids=["empty", "pointer", "page", "half", "locked"],
)
def test_it_is_named_whatever_the_ending(
    ending: str, data: bytes, said: str, tmp_path: Path
) -> None:
    file = tmp_path / f"model.{ending}"
    file.write_bytes(data)
    with pytest.raises(ModelFileError, match=said) as caught:
        check_file(file)
    assert "\n" not in str(caught.value)


def test_half_a_pickle_is_one_and_a_whole_one_passes(tmp_path: Path) -> None:
    file = tmp_path / "model.pkl"
    for whole in (pickle.dumps(fitted()), dumped()):
        file.write_bytes(whole)
        check_file(file)
        file.write_bytes(whole[:-50])
        with pytest.raises(ModelFileError, match="the pickle is cut off"):
            check_file(file)


def test_a_folder_is_none(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match="a folder"):
        check_file(tmp_path)


def test_a_pickle_tells_which_scikit_learn_made_it() -> None:
    for data in (pickle.dumps(fitted()), dumped(), pickle.dumps(fitted(), protocol=2)):
        assert sklearn_version(data) == sklearn.__version__
        check_version(data)
        older = data.replace(sklearn.__version__.encode(), b"1.2.2")
        with pytest.raises(ModelFileError, match=r"made by scikit-learn 1\.2\.2"):
            check_version(older)
    check_version(b"another thing")
