"""What a file is that was saved as a model, whatever its name says."""

from __future__ import annotations

import bz2
import io
import lzma
import re
import zipfile
import zlib
from collections.abc import Callable, Mapping
from functools import partial
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

from errors import ModelFileError
from learning.forms.xgboost import UBJ

Kind = Literal["catboost", "lightgbm", "onnx", "pickle", "r", "skops", "xgboost"]
# What a file is by its ending, where its content does not tell.
ENDINGS: Mapping[str, Kind] = {
    ".cbm": "catboost",
    ".joblib": "pickle",
    ".json": "r",
    ".onnx": "onnx",
    ".pickle": "pickle",
    ".pkl": "pickle",
    ".skops": "skops",
    ".txt": "lightgbm",
    ".ubj": "xgboost",
}
KNOWN = (
    "LightGBM's model text, XGBoost's JSON or UBJ, .cbm, .onnx, .skops, a pickle, "
    "or JSON of clients/r"
)
# The first names of XGBoost's document, in either order; and its objective and booster before 1.0.
_XGBOOST = re.compile(rb'\s*\{\s*"(?:learner"\s*:|version"\s*:\s*\[)')
_OLD_XGBOOST = re.compile(
    rb"(?:binary|multi|reg|count|rank|survival):[a-z]+.{8}(?:gbtree|dart)", re.S
)
OLD_XGBOOST = (
    "the file is of XGBoost's old binary format, which is no longer read; with XGBoost 3.0 or "
    "before: Booster(model_file='old').save_model('model.json')"
)
# A pickle that begins with a class of a boosting library.
_BOOSTER = re.compile(rb"\x80[\x02-\x05].{0,16}(?:lightgbm|xgboost)\.", re.S)
# The module of skrub's class that prepares tables, as pickle writes a name.
_OF_SKRUB = re.compile(rb"skrub\._table_vectorizer")
# What joblib packs a pickle with, by its first bytes; a block of few bytes unpacks into little.
_PACKED: Mapping[bytes, Callable[[], Any]] = {
    b"\x78": zlib.decompressobj,
    b"\x1f\x8b": partial(zlib.decompressobj, 31),
    b"BZh": bz2.BZ2Decompressor,
    b"\xfd7zXZ": lzma.LZMADecompressor,
}
_BLOCK = 1 << 14
LFS = b"version https://git-lfs.github.com/spec/"
# A key of an estimator's state, and its value as pickle writes a short text.
_SKLEARN = re.compile(
    rb"_sklearn_version(?:\x94|q.|r....)?(?:\x8c.|X....)"
    rb"([0-9]{1,3}\.[0-9]{1,3}(?:\.[0-9]{1,3})?(?:rc[0-9]|\.dev[0-9])?)",
    re.S,
)


def recognised(file: Path) -> tuple[Kind, bytes]:
    """Return what a file is, by its content and else by its ending, and the content.

    Raises ModelFileError, in one line, for what is no model under any name.
    """
    if file.is_dir():
        raise ModelFileError("that is a folder without an MLmodel file; expected a model's file")
    try:
        data = file.read_bytes()
    except OSError as error:
        raise ModelFileError(f"cannot read {file}: {error.strerror}") from None
    kind = _by_content(data) or ENDINGS.get(file.suffix.lower())
    fault = _fault(data, kind)
    if fault is not None:
        raise ModelFileError(fault)
    if kind is None:
        raise ModelFileError(f"expected a file of one of these kinds: {KNOWN}")
    return kind, data


def holds_booster(data: bytes) -> bool:
    """Tell whether a .skops file, as of MLflow 3, holds a class of LightGBM's or XGBoost's."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            schema = archive.read("schema.json")
    except (zipfile.BadZipFile, KeyError, NotImplementedError, OSError, RuntimeError):
        return False
    return re.search(rb'"__module__": ?"(?:lightgbm|xgboost)\.', schema) is not None


def _by_content(data: bytes) -> Kind | None:
    start = data[:64].lstrip(b"\xef\xbb\xbf \t\r\n")
    if start.startswith(b"tree") and start[4:5] in (b"\r", b"\n"):
        return "lightgbm"
    if _XGBOOST.match(data) or data[:2] in UBJ:
        return "xgboost"
    if start.startswith(b"CBM1"):
        return "catboost"
    if data[:1] == b"\x80" and data[1:2] in (b"\x02", b"\x03", b"\x04", b"\x05"):
        return "pickle"
    if data.startswith(b"PK\x03\x04") and b"schema.json" in data[-65536:]:
        return "skops"
    return None


def _fault(data: bytes, kind: Kind | None) -> str | None:
    if not data.strip():
        return "the file is empty"
    if data.startswith(LFS):
        return "the file is a Git LFS pointer, not the model; to get it: git lfs pull"
    start = data[:512].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if start.startswith((b"<!doctype html", b"<html", b"<?xml")):
        return "the file is a web page, not a model; what was saved is a link's page, or an error's"
    if data.startswith(b"PK\x03\x04"):
        return _zip_fault(data)
    if kind == "pickle" and (
        (data.startswith(b"\x80") and data[-1:] != b".") or _is_cut_in_packing(data)
    ):
        return "the pickle is cut off: download it again"
    return _form_fault(data, start)


def _is_cut_in_packing(data: bytes) -> bool:
    """Tell whether a packed pickle, as joblib writes one, ends before its packing does."""
    opened = next((make for start, make in _PACKED.items() if data.startswith(start)), None)
    if opened is None:
        return False
    unpacking, given = opened(), io.BytesIO(data)
    try:
        while not unpacking.eof:
            block = given.read(_BLOCK)
            if not block:
                return True
            unpacking.decompress(block)
    except (zlib.error, lzma.LZMAError, OSError):
        return True
    return False


def _form_fault(data: bytes, start: bytes) -> str | None:
    """Return what is wrong with a form of a library that it does not load itself."""
    if start.startswith(b"{") and b'"tree_info"' in data[:65536] and b'"learner"' not in start:
        return "the file is LightGBM's dump, which cannot be loaded; save it with save_model"
    if start.startswith(b"{") and b'"oblivious_trees"' in data:
        return "the file is CatBoost's JSON; save the model as .cbm, its own format"
    if start.startswith(b"[") and b'"nodeid"' in data[:4096]:
        return "the file is XGBoost's dump, which cannot be loaded; save it with save_model"
    if data.startswith(b"binf") or _OLD_XGBOOST.search(data[:1024]):
        return OLD_XGBOOST
    return None


def _zip_fault(data: bytes) -> str | None:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            locked = any(entry.flag_bits & 1 for entry in archive.infolist())
    except zipfile.BadZipFile:
        return "the zip file is cut off or damaged: download it again"
    return "the zip file is locked by a password; unpack it first" if locked else None


def check_version(data: bytes) -> None:
    """Raise ModelFileError for a pickle of another scikit-learn: its answers could not be proven.

    A packed pickle, and one of something else, does not tell; it passes, as does a booster, of
    which only what its own library wrote is taken.
    """
    if _BOOSTER.match(data):
        return
    made, here = sklearn_version(data), version("scikit-learn")
    if made is not None and made.split(".")[:2] != here.split(".")[:2]:
        raise ModelFileError(
            f"the pickle was made by scikit-learn {made}, and here is {here}; to have it read by "
            f"that version: --with scikit-learn=={made}"
        )


def check_skrub(data: bytes) -> None:
    """Raise ModelFileError for a pickle of skrub's where that is not installed."""
    if _OF_SKRUB.search(data) and find_spec("skrub") is None:
        raise ModelFileError(
            "the pickle holds a pipeline of skrub; to have it read, by the version that made it: "
            "--with skrub==0.11.0"
        )


def sklearn_version(data: bytes) -> str | None:
    """Return the version of scikit-learn that a pickle says wrote it; nothing of it is loaded."""
    found = _SKLEARN.search(data)
    return found[1].decode() if found else None
