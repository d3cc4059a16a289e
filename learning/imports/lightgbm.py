"""LightGBM's model text: what `Booster.save_model` and `model_to_string` write."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np

from errors import ModelFileError
from learning.forms.lightgbm import Text, forest, read
from learning.forms.sources import CannotFold
from learning.imports.boosted import Boosted, Coded, Column, Doubles, columned, import_boosted
from learning.imports.example import Example
from learning.imports.imported import MOST_COLUMNS, Imported
from tables.schema import Class

PANDAS = "\npandas_categorical:"
ORIGIN = "LightGBM's model text"


def import_lightgbm(
    data: bytes,
    example: Example | None,
    target: str,
    classes: tuple[Class, ...] = (),
) -> Imported:
    """Return the model of a text, compiled.

    Raises ModelFileError for a text that is damaged, or a model that has no compiled form.
    """
    try:
        # A text that git made a Windows one is the same.
        text = read(data.decode("utf-8").replace("\r\n", "\n"))
        columns = _columns(text, example)
        sets = Coded(columns)
        trees = forest(text, columned(columns, sets, doubles=True))
    except UnicodeDecodeError:
        raise ModelFileError("LightGBM's model text is damaged: it is no text") from None
    except CannotFold as error:
        raise ModelFileError(str(error)) from None
    name = "LGBMRegressor" if trees.quantity else "LGBMClassifier"
    gains = _gains(text, len(columns))
    model = Boosted(
        "lightgbm", data, ORIGIN, columns, sets, trees, gains, {"model_name": name}, classes
    )
    return import_boosted(model, example, target)


def _columns(text: Text, example: Example | None) -> tuple[Column, ...]:
    names = text.head.get("feature_names", "").split(" ")
    infos = text.head.get("feature_infos", "").split(" ")
    count = text.head.get("max_feature_idx", "")
    if not len(names) == len(infos) <= MOST_COLUMNS or count != str(len(names) - 1):
        raise CannotFold("LightGBM's model text is damaged: it has not a name for every column")
    if len(set(names)) != len(names):
        raise CannotFold("LightGBM's model text is damaged: two columns have one name")
    if names == [f"Column_{index}" for index in range(len(names))] and example is not None:
        names = [""] * len(names)
    words = _words(text, infos, example, names)
    return tuple(
        _column(name, info, words.get(index))
        for index, (name, info) in enumerate(zip(names, infos, strict=True))
    )


def _column(name: str, info: str, words: Sequence[Any] | None) -> Column:
    if words is not None:
        if not words or not all(isinstance(word, bool | int | float | str) for word in words):
            raise CannotFold("LightGBM's model text is damaged: a category is no word")
        return Column(name, words=tuple(words), codes=True)
    try:
        if _is_category(info):
            codes = [int(code) for code in info.split(":")]
            return Column(name, max(0, min(codes)), max(codes), codes=True)
        low, high = map(float, info.strip("[]").split(":")) if info != "none" else (0.0, 0.0)
    except ValueError:
        raise CannotFold("LightGBM's model text is damaged: a column has no range") from None
    if not np.isfinite([low, high]).all() or low > high:
        low = high = 0.0
    return Column(name, low, high)


def _is_category(info: str) -> bool:
    return info != "none" and not info.startswith("[")


def _words(
    text: Text, infos: Sequence[str], example: Example | None, names: Sequence[str]
) -> dict[int, Sequence[Any]]:
    """Return the categories of the columns that pandas had words for.

    The file has them in the columns' order, and does not say whose they are where one of
    these had a single category: its range is then `none`, as is that of an empty column.
    """
    listed = _listed(text)
    found = [index for index, info in enumerate(infos) if _is_category(info)]
    if len(listed) != len(found) and example is not None and listed:
        texts = {f.name.replace(" ", "_") for f in example.features if f.kind == "text"}
        found = [
            index
            for index, info in enumerate(infos)
            if _is_category(info) or (info == "none" and names[index] in texts)
        ]
    if listed and len(listed) != len(found):
        raise ModelFileError(
            f"the file has the categories of {len(listed)} columns, and {len(found)} columns "
            "of categories; give an example row or table: --schema"
        )
    return dict(zip(found, listed, strict=False)) if listed else {}


def _listed(text: Text) -> list[Any]:
    _, there, line = text.after.rpartition(PANDAS)
    try:
        listed = msgspec.json.decode(line.strip(), type=list[list[Any]] | None) if there else None
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
        raise CannotFold("LightGBM's model text is cut off in its categories") from None
    return listed or []


def _gains(text: Text, count: int) -> Doubles:
    """Return what the splits by each column brought."""
    found = np.zeros(count)
    for block in text.trees:
        features, gains = block.get("split_feature", ""), block.get("split_gain", "")
        for feature, gain in zip(features.split(), gains.split(), strict=False):
            found[int(feature)] += _finite(gain)
    return found


def _finite(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        return 0.0
    return value if 0.0 <= value < 1e300 else 0.0
