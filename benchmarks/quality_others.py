"""Another library learns a table and answers its fold: run in that library's environment.

`python -m benchmarks.quality_others LEARNER FOLDER FOLD SECONDS TASK` reads what
`quality_tables` wrote and prints JSON: the classes in the order of the outputs, seconds of CPU
for learning, microseconds for a row asked alone. The outputs are saved as `OUT`.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import sys
import tempfile
import warnings
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np

TARGET, OUT = "target", "outputs.npy"
ROUNDS, PATIENCE, INNER = 5000, 50, 0.15
# Of texts that are no categories: their words as so many numbers.
MOST_CATEGORIES, TEXT_COLUMNS = 1000, 30
CALLS = 30

Fitted = Callable[[Any], Any]


def main() -> None:
    """Learn, answer and print."""
    learner, folder, fold, seconds, task = sys.argv[1:]
    warnings.simplefilter("ignore")
    learnt, asked = read(Path(folder), int(fold))
    x, y = learnt.drop(columns=TARGET), learnt[TARGET]
    classes = sorted(y.unique()) if task == "classification" else None
    codes = y.map({c: i for i, c in enumerate(classes)}) if classes else y.astype(float)
    with contextlib.redirect_stdout(sys.stderr):
        answer = LEARNERS[learner](x, codes, classes, int(seconds))
        cpu = cpu_seconds()
        rows = asked.drop(columns=TARGET)
        outputs = np.asarray(answer(rows), np.float64)
        times = [_seconds(answer, rows.iloc[[i % len(rows)]]) for i in range(CALLS)]
    np.save(Path(folder) / f"{learner}-{fold}-{OUT}", outputs)
    print(json.dumps({"classes": classes, "cpu": cpu, "row_us": median(times) * 1e6}))


def read(folder: Path, fold: int) -> tuple[Any, Any]:
    """Return the rows to learn from and those asked; columns of dates are dates."""
    import pandas as pd

    frame = pd.read_csv(folder / "table.csv")
    for name in frame.select_dtypes(["object", "string"]).drop(columns=TARGET, errors="ignore"):
        if frame[name].dropna().astype(str).str.match(r"\d{4}-\d\d-\d\d").all():
            dates = pd.to_datetime(frame[name], utc=True, errors="coerce", format="ISO8601")
            frame[name] = dates.dt.tz_localize(None)
        else:
            frame[name] = frame[name].astype("object")
    folds = np.load(folder / "folds.npy")
    return frame[folds != fold].reset_index(drop=True), frame[folds == fold].reset_index(drop=True)


def cpu_seconds() -> float:
    """Return the seconds of CPU of this process and of those that it has ended."""
    own, others = (resource.getrusage(w) for w in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return own.ru_utime + own.ru_stime + others.ru_utime + others.ru_stime


def _seconds(answer: Fitted, row: Any) -> float:
    started = perf_counter()
    answer(row)
    return perf_counter() - started


class Columns:
    """What a boosting library reads: categories as such, dates as parts, texts as numbers."""

    def __init__(self, frame: Any, plain: bool = False) -> None:
        texts = frame.select_dtypes("object")
        self.plain = plain
        self.categories = {
            name: sorted(texts[name].dropna().astype(str).unique())
            for name in texts
            if texts[name].nunique() <= MOST_CATEGORIES
        }
        self.texts = {n: _encoder(texts[n]) for n in texts if n not in self.categories}

    def __call__(self, frame: Any) -> Any:
        """Return the frame's columns."""
        import pandas as pd

        made: dict[str, Any] = {}
        for name in frame:
            column = frame[name]
            if name in self.categories:
                words = column.map(lambda v: v if isinstance(v, float) else str(v))
                kept = pd.Categorical(words, self.categories[name])
                plain = words.fillna("missing").astype(str)
                made[name] = plain if self.plain else pd.Series(kept, column.index)
            elif name in self.texts:
                words = self.texts[name].transform(column.fillna("").astype(str))
                made |= {f"{name} {i}": words.iloc[:, i] for i in range(words.shape[1])}
            elif column.dtype.kind == "M":
                made |= _dates(name, column)
            else:
                made[name] = column.astype(float)
        return pd.DataFrame(made)


def _encoder(column: Any) -> Any:
    skrub: Any = import_module("skrub")
    return skrub.StringEncoder(TEXT_COLUMNS, random_state=0).fit(column.fillna("").astype(str))


def _dates(name: str, column: Any) -> dict[str, Any]:
    at = column.dt
    parts = ("year", "month", "day", "dayofweek", "dayofyear", "hour")
    found = {f"{name} {part}": getattr(at, part).astype(float) for part in parts}
    return {
        **found,
        f"{name} seconds": column.astype("datetime64[s]").astype("int64").astype(float),
    }


def _inner(codes: Any, classes: Any) -> tuple[Any, Any]:
    from sklearn.model_selection import train_test_split

    strata = codes if classes else None
    fitted, held = train_test_split(
        np.arange(len(codes)), test_size=INNER, random_state=0, stratify=strata
    )
    return fitted, held


def lightgbm(x: Any, codes: Any, classes: Any, seconds: int) -> Fitted:
    """LightGBM's defaults with early stopping."""
    lgb: Any = import_module("lightgbm")
    columns = Columns(x)
    # Its text format knows no such signs in names.
    made, (fitted, held) = _numbered(columns(x)), _inner(codes, classes)
    kind = lgb.LGBMClassifier if classes else lgb.LGBMRegressor
    model = kind(n_estimators=ROUNDS, random_state=0, n_jobs=_threads(), verbose=-1)
    held_out = [(made.iloc[held], codes.iloc[held])]
    stop = [lgb.early_stopping(PATIENCE, verbose=False)]
    model.fit(made.iloc[fitted], codes.iloc[fitted], eval_set=held_out, callbacks=stop)
    ask = model.predict_proba if classes else model.predict
    return lambda rows: ask(_numbered(columns(rows)))


def xgboost(x: Any, codes: Any, classes: Any, seconds: int) -> Fitted:
    """XGBoost's defaults with early stopping."""
    xgb: Any = import_module("xgboost")
    columns = Columns(x)
    made, (fitted, held) = _numbered(columns(x)), _inner(codes, classes)
    kind = xgb.XGBClassifier if classes else xgb.XGBRegressor
    model = kind(
        n_estimators=ROUNDS,
        early_stopping_rounds=PATIENCE,
        enable_categorical=True,
        random_state=0,
        n_jobs=_threads(),
    )
    held_out = [(made.iloc[held], codes.iloc[held])]
    model.fit(made.iloc[fitted], codes.iloc[fitted], eval_set=held_out, verbose=False)
    ask = model.predict_proba if classes else model.predict
    return lambda rows: ask(_numbered(columns(rows)))


def catboost(x: Any, codes: Any, classes: Any, seconds: int) -> Fitted:
    """CatBoost's defaults with early stopping."""
    from catboost import CatBoostClassifier, CatBoostRegressor

    columns = Columns(x, plain=True)
    made, (fitted, held) = columns(x), _inner(codes, classes)
    kind = CatBoostClassifier if classes else CatBoostRegressor
    names = [name for name in made if made[name].dtype.kind not in "fi"]
    model = kind(
        cat_features=names,
        early_stopping_rounds=PATIENCE,
        random_seed=0,
        thread_count=_threads(),
        verbose=False,
        allow_writing_files=False,
    )
    model.fit(made.iloc[fitted], codes.iloc[fitted], eval_set=(made.iloc[held], codes.iloc[held]))
    ask = model.predict_proba if classes else model.predict
    return lambda rows: ask(columns(rows))


def skrub(x: Any, codes: Any, classes: Any, seconds: int) -> Fitted:
    """Return skrub's pipeline for any table."""
    library: Any = import_module("skrub")
    model = library.tabular_pipeline("classifier" if classes else "regressor").fit(x, codes)
    return _asked(model, classes)


def flaml(x: Any, codes: Any, classes: Any, seconds: int) -> Fitted:
    """FLAML within its budget."""
    model: Any = import_module("flaml").AutoML()
    task, metric = ("classification", "log_loss") if classes else ("regression", "rmse")
    model.fit(
        x,
        codes,
        task=task,
        metric=metric,
        time_budget=seconds,
        n_jobs=_threads(),
        seed=0,
        verbose=0,
    )
    return _asked(model, classes)


def _autogluon(presets: str) -> Callable[..., Fitted]:
    def learn(x: Any, codes: Any, classes: Any, seconds: int) -> Fitted:
        tabular: Any = import_module("autogluon.tabular")
        folder = tempfile.mkdtemp()
        predictor = tabular.TabularPredictor(
            label=TARGET,
            path=folder,
            problem_type=("binary" if len(classes) == 2 else "multiclass")
            if classes
            else "regression",
            eval_metric="log_loss" if classes else "root_mean_squared_error",
            verbosity=0,
        )
        predictor.fit(
            x.assign(**{TARGET: codes}),
            time_limit=seconds,
            presets=presets,
            num_cpus=_threads(),
        )
        return _asked(predictor, classes)

    return learn


def _asked(model: Any, classes: Any) -> Fitted:
    ask: Fitted = model.predict_proba if classes else model.predict
    return ask


def _numbered(frame: Any) -> Any:
    return frame.set_axis([f"c{i}" for i in range(frame.shape[1])], axis=1)


def _threads() -> int:
    return len(os.sched_getaffinity(0))


LEARNERS: dict[str, Callable[..., Fitted]] = {
    "lightgbm": lightgbm,
    "xgboost": xgboost,
    "catboost": catboost,
    "skrub": skrub,
    "flaml": flaml,
    "autogluon-medium": _autogluon("medium_quality"),
    "autogluon-best": _autogluon("best_quality"),
}

if __name__ == "__main__":
    main()
