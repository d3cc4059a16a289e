"""Why a model answers as it does: made at training, proven on the hold-out, and kept."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from errors import EquivalenceError
from learning.compile.compilation import form_of
from learning.explaining import explainer
from learning.explaining.background import background_of
from learning.explaining.explainer import (
    Explained,
    Explainer,
    Explanation,
    sum_of,
)
from learning.explaining.leaves import paths_of
from learning.explaining.paths import Kept
from learning.forms.additive import Additive
from learning.forms.sources import CannotFold, Linear
from learning.forms.trees import Forest
from learning.links import Doubles, outputs_of
from learning.prediction import Outputs, Runtime
from tables.dataset import Dataset

# Under this name it stands in a model's info.
INFO = "explanation"
PATH_DEPENDENT, BACKGROUND = "path_dependent", "background"
# What the sum of the contributions may differ from the score's answer.
TOLERANCE = 1e-6
# So many rows of the hold-out are looked at: all, but where a row takes long.
MOST_ROWS, MOST_SLOW_ROWS = 20_000, 200
# So many of the rows learnt from tell what a feature comes to in the mean.
MOST_MEANS = 5_000


class Made(NamedTuple):
    """The artifact's members, and what model_info tells: the proof, or why there is none."""

    members: dict[str, bytes]
    info: dict[str, Any]


def explanation_of(
    estimator: Any,
    runtime: Runtime,
    train: Dataset,
    holdout: Dataset,
    seed: int = 0,
    background: int = 0,
) -> Made:
    """Return what explains the answers of a compiled estimator, proven on the hold-out.

    Contributions are path-dependent, or with a `background` against so many rows of those that
    were learnt from. A row's baseline and contributions come to its score, and that to the
    answer within TOLERANCE. Of what cannot be explained it is said why.
    """
    try:
        if not runtime.compiled:
            raise CannotFold("the library that learnt the model answers itself")
        kept = _kept(form_of(estimator, train.schema), runtime, train, seed, background)
        found = Explainer(kept, runtime, train.schema)
        proof = _prove(found, runtime, holdout, seed)
    except (CannotFold, EquivalenceError) as error:
        return Made({}, {INFO: {"reason": str(error)}})
    names = [feature.name for feature in train.schema.features]
    order = sorted(range(len(names)), key=lambda index: (-proof.sizes[index], names[index]))
    told = {
        **_method(kept),
        "space": found.space,
        "quick": found.quick,
        "cost": found.cost,
        "proven": {"rows": proof.rows, "largest_difference": proof.largest_difference},
        "mean_absolute_contributions": {names[i]: float(proof.sizes[i]) for i in order},
    }
    return Made(explainer.dump(kept), {INFO: told})


def _method(kept: Explanation) -> dict[str, Any]:
    """Return of which kind the contributions are, and what they are called."""
    if not kept.rows:
        return {"kind": PATH_DEPENDENT, "method": "path-dependent Shapley values"}
    method = f"interventional Shapley values against {kept.rows} rows"
    return {"kind": BACKGROUND, "method": method, "background_rows": kept.rows}


def _kept(form: Any, runtime: Runtime, train: Dataset, seed: int, background: int) -> Explanation:
    """Return the trees' leaves, and what the features come to in the mean. Raises CannotFold."""
    schema, sample = train.schema, train.drawn(background or MOST_MEANS, seed)
    against = None
    if isinstance(form, Linear):
        outputs = len(form.intercepts)
        link, base, trees = ("logistic" if outputs == 1 else "softmax"), (0.0,) * outputs, None
    elif isinstance(form, Forest | Additive):
        forest = form.forest if isinstance(form, Additive) else form
        link, base = forest.link, forest.base or (0.0,) * forest.outputs
        paths = paths_of(forest, schema.owners) if forest.trees else None
        trees = Kept(**paths.dump()) if paths else None
        if background and paths:
            against = background_of(paths, sample.batch.matrix)
    else:
        raise CannotFold("its library answers itself")
    means = _means(runtime, sample, len(base))
    return Explanation(link, base, trees, means, against, sample.rows if background else 0)


def _means(runtime: Runtime, sample: Dataset, outputs: int) -> tuple[tuple[float, ...], ...]:
    """Return what each feature adds to a linear sum in the mean `[k, features]`."""
    found = sum_of(runtime, sample.schema)
    if found is None:
        return ()
    batch = sample.batch
    return tuple(
        tuple(found.parts(batch, output).mean(axis=0).tolist()) for output in range(outputs)
    )


class _Proof(NamedTuple):
    """How many rows were compared, the largest difference, and the mean sizes by feature."""

    rows: int
    largest_difference: float
    sizes: Doubles


def _prove(found: Explainer, runtime: Runtime, holdout: Dataset, seed: int) -> _Proof:
    """Compare the sum of the contributions with what is answered. Raises EquivalenceError."""
    most = MOST_ROWS if found.quick else MOST_SLOW_ROWS
    batch = holdout.drawn(max(1, most // found.outputs), seed).batch
    answered = runtime.outputs(batch)
    told = [
        found.explain(batch, [output] * len(batch.matrix), words=False)
        for output in range(found.outputs)
    ]
    scores = np.column_stack([one.contributions.sum(axis=1) + one.baselines for one in told])
    expected = outputs_of(found.link, scores)
    largest = float(np.abs(expected - answered).max(initial=0.0))
    if not largest <= TOLERANCE * max(1.0, float(np.abs(answered).max(initial=0.0))):
        raise EquivalenceError(f"contributions and score differ by {largest:.1e}")
    return _Proof(len(scores), largest, _sizes(told, answered))


def _sizes(told: Sequence[Explained], answered: Outputs) -> Doubles:
    """Return the mean absolute contribution of each feature, to the score that is answered."""
    every = np.stack([np.abs(one.contributions) for one in told])
    winners = answered.argmax(axis=1) if len(told) > 1 else np.zeros(len(answered), np.intp)
    return np.asarray(every[winners, np.arange(len(answered))].mean(axis=0))
