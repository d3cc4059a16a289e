"""LightGBM and XGBoost, asked about a file of their own: what they answer is the measure of ours.

It happens in the process of `learning.imports.isolated`: what reads such files is C++.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from learning.boosters import lightgbm_library, xgboost_library
from learning.links import probabilities_of

Name = Literal["lightgbm", "xgboost"]


class Question(msgspec.Struct, tag="library"):
    """Rows of doubles `[n, width]`, which of their columns hold codes, and how many rounds answer.

    0 rounds are all.
    """

    library: Name
    values: bytes
    width: int
    codes: tuple[int, ...] = ()
    rounds: int = 0


class Answer(msgspec.Struct):
    """The outputs `[n, width]` as doubles, and the version that answered."""

    values: bytes
    width: int
    version: str

    def outputs(self) -> NDArray[np.float64]:
        """Return the outputs as an array. Raises ValueError for what is none."""
        return np.frombuffer(self.values, np.float64).reshape(-1, self.width)


def question_of(
    library: Name, rows: NDArray[np.float64], codes: tuple[int, ...], rounds: int = 0
) -> Question:
    """Return the question what rows `[n, d]` are answered."""
    return Question(library, rows.astype(np.float64).tobytes(), rows.shape[1], codes, rounds)


def booster_of(estimator: Any, folder: Path) -> tuple[Name, bytes, list[Any]] | None:
    """Return a booster's library, its model as that writes it, and its classes if it knows them.

    None for what is none, such as a pipeline with one in it.
    """
    library = type(estimator).__module__.partition(".")[0]
    classes = np.asarray(getattr(estimator, "classes_", ())).tolist()
    if library == "lightgbm":
        model = getattr(estimator, "booster_", estimator)
        return "lightgbm", model.model_to_string().encode(), classes
    if library == "xgboost":
        # So saved, it says that it is of the scikit-learn interface.
        estimator.save_model(folder / "saved.ubj")
        return "xgboost", (folder / "saved.ubj").read_bytes(), classes
    return None


def answer_of(data: bytes, question: Question) -> Answer:
    """Return the library's answer. Raises DependencyError, and whatever the library raises."""
    rows = np.frombuffer(question.values, np.float64).reshape(-1, question.width)
    ask = _by_lightgbm if question.library == "lightgbm" else _by_xgboost
    answered, version = ask(data, rows, question)
    outputs = np.asarray(answered, np.float64).reshape(len(rows), -1)
    return Answer(outputs.tobytes(), outputs.shape[1], version)


def _by_lightgbm(data: bytes, rows: NDArray[np.float64], question: Question) -> tuple[Any, str]:
    library = lightgbm_library()
    model = library.Booster(model_str=data.decode("utf-8"))
    return model.predict(rows, num_threads=1), library.__version__


def _by_xgboost(data: bytes, rows: NDArray[np.float64], question: Question) -> tuple[Any, str]:
    library = xgboost_library()
    model = library.Booster({"nthread": 1})
    model.load_model(bytearray(data))
    kinds = ["c" if i in question.codes else "q" for i in range(question.width)]
    table = library.DMatrix(rows, feature_types=kinds, enable_categorical=True, nthread=1)
    # It would answer with the likeliest class alone.
    labels = b'"multi:softmax"' in model.save_config().encode()
    answered = model.predict(
        table,
        output_margin=labels,
        validate_features=False,
        iteration_range=(0, question.rounds),
    )
    return probabilities_of(answered) if labels else answered, library.__version__
