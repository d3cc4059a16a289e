"""What was saved as a model is named, whatever its ending says."""

from __future__ import annotations

import io
import pickle
import zipfile
from pathlib import Path

import joblib
import lightgbm
import numpy as np
import pytest
import sklearn
import skops.io
from sklearn.ensemble import RandomForestClassifier

from errors import ModelFileError
from learning.imports.recognition import (
    KNOWN,
    check_version,
    holds_booster,
    recognised,
    sklearn_version,
)


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
        recognised(file)
    assert "\n" not in str(caught.value)


def test_half_a_pickle_is_one_and_a_whole_one_passes(tmp_path: Path) -> None:
    file = tmp_path / "model.pkl"
    for whole in (pickle.dumps(fitted()), dumped()):
        file.write_bytes(whole)
        recognised(file)
        file.write_bytes(whole[:-50])
        with pytest.raises(ModelFileError, match="the pickle is cut off"):
            recognised(file)


@pytest.mark.parametrize("packing", ["zlib", "gzip", "bz2", "xz"])
def test_half_a_packed_pickle_is_one_and_a_whole_one_passes(packing: str, tmp_path: Path) -> None:
    whole, half = tmp_path / "whole.joblib", tmp_path / "half.joblib"
    joblib.dump(list(range(50_000)), whole, compress=(packing, 3))
    data = whole.read_bytes()
    assert recognised(whole) == ("pickle", data)
    half.write_bytes(data[: len(data) // 2])
    with pytest.raises(ModelFileError, match="the pickle is cut off"):
        recognised(half)


def test_a_booster_that_skops_holds_is_known_before_anything_is_made() -> None:
    assert not holds_booster(skops.io.dumps(fitted()))
    model = lightgbm.LGBMClassifier(n_estimators=1, verbose=-1)
    model.fit(np.arange(40.0).reshape(-1, 1), [0, 1] * 20)
    assert holds_booster(skops.io.dumps(model))
    assert not holds_booster(b"PK\x03\x04")


def test_a_folder_is_none(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match="a folder"):
        recognised(tmp_path)


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"tree\nversion=v4\n", "lightgbm"),
        (b"tree\r\nversion=v3\r\n", "lightgbm"),
        (b'{"learner":{}}', "xgboost"),
        (b'{"version":[1,0,0],"learner":{}}', "xgboost"),
        (b"{L\x00\x00\x00\x00\x00\x00\x00\x07learner{}}", "xgboost"),
        (b"CBM1\x00", "catboost"),
        (b"\x80\x04N.", "pickle"),
        (zipped(), "skops"),
    ],
)
@pytest.mark.parametrize("name", ["model", "model.json", "model.bin", "MODEL.TXT"])
def test_content_goes_before_the_name(data: bytes, kind: str, name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(data)
    assert recognised(tmp_path / name) == (kind, data)


def test_what_has_no_mark_is_known_by_its_ending(tmp_path: Path) -> None:
    for name, kind in (("a.onnx", "onnx"), ("a.JSON", "r"), ("a.joblib", "pickle")):
        (tmp_path / name).write_bytes(b"anything")
        assert recognised(tmp_path / name)[0] == kind
    (tmp_path / "a.dat").write_bytes(b"anything")
    with pytest.raises(ModelFileError, match="of one of these kinds") as caught:
        recognised(tmp_path / "a.dat")
    assert KNOWN in str(caught.value)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b'{"name": "tree", "version": "v4", "tree_info": []}', "LightGBM's dump"),
        (b'[\n  { "nodeid": 0, "depth": 0, "split": "f0"', "XGBoost's dump"),
        (b'{"features_info": {}, "oblivious_trees": []}', "CatBoost's JSON"),
        (b"binf" + bytes(136), "old binary format"),
        (
            bytes(136) + b"\x0f" + bytes(7) + b"binary:logistic\x06" + bytes(7) + b"gbtree",
            r"old binary format.*save_model\('model.json'\)",
        ),
    ],
)
@pytest.mark.parametrize("name", ["model.json", "model.bin", "model.model"])
def test_what_its_library_does_not_load_is_told_how_to_save(
    data: bytes, said: str, name: str, tmp_path: Path
) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(ModelFileError, match=said):
        recognised(tmp_path / name)


def test_a_pickle_tells_which_scikit_learn_made_it() -> None:
    for data in (pickle.dumps(fitted()), dumped(), pickle.dumps(fitted(), protocol=2)):
        assert sklearn_version(data) == sklearn.__version__
        check_version(data)
        older = data.replace(sklearn.__version__.encode(), b"1.2.2")
        with pytest.raises(
            ModelFileError, match=r"made by scikit-learn 1\.2\.2.*--with scikit-learn==1\.2\.2"
        ):
            check_version(older)
    check_version(b"another thing")
    # A booster's pickle has a label encoder of scikit-learn in it, of which nothing is taken.
    check_version(
        pickle.dumps(fitted()).replace(b"sklearn.ensemble._forest", b"lightgbm.sklearn", 1)
    )
