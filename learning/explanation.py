"""Why a model answers as it does: made at training, proven on the hold-out, and kept."""

from __future__ import annotations

from collections.abc import Callable, Sequence
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
from learning.explaining.linear import Sum
from learning.explaining.paths import Kept
from learning.family import Form
from learning.forms.additive import Additive
from learning.forms.sources import CannotFold, Linear
from learning.forms.trees import Forest
from learning.links import Doubles, outputs_of
from learning.prediction import Outputs, Runtime
from tables.batch import Batch
from tables.dataset import Dataset
from tables.schema import Schema

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
        form = form_of(estimator, train.schema)
    except CannotFold as error:
        return unexplained(str(error))
    sample = train.drawn(background or MOST_MEANS, seed).batch
    return form_explanation(
        form,
        runtime,
        train.schema,
        sample,
        lambda most: holdout.drawn(most, seed).batch,
        background,
    )


def form_explanation(
    form: Form,
    runtime: Runtime,
    schema: Schema,
    sample: Batch,
    proof: Callable[[int], Batch],
    background: int = 0,
) -> Made:
    """Return what explains the answers of a model in its neutral form.

    What features come to in the mean is told by a `sample` of rows; `proof` gives at most so
    many rows to prove it on.
    """
    try:
        kept = _kept(form, runtime, schema, sample, background)
        found = Explainer(kept, runtime, schema)
        proven = _prove(found, runtime, proof)
    except (CannotFold, EquivalenceError) as error:
        return unexplained(str(error))
    names = [feature.name for feature in schema.features]
    order = sorted(range(len(names)), key=lambda index: (-proven.sizes[index], names[index]))
    told = {
        **_method(kept),
        "space": found.space,
        "quick": found.quick,
        "cost": found.cost,
        "proven": {"rows": proven.rows, "largest_difference": proven.largest_difference},
        "mean_absolute_contributions": {names[i]: float(proven.sizes[i]) for i in order},
    }
    return Made(explainer.dump(kept), {INFO: told})


def unexplained(reason: str) -> Made:
    """Return what is told of a model that nothing explains."""
    return Made({}, {INFO: {"reason": reason}})


def _method(kept: Explanation) -> dict[str, Any]:
    """Return of which kind the contributions are, and what they are called."""
    if not kept.rows:
        return {"kind": PATH_DEPENDENT, "method": "path-dependent Shapley values"}
    method = f"interventional Shapley values against {kept.rows} rows"
    return {"kind": BACKGROUND, "method": method, "background_rows": kept.rows}


def _kept(
    form: Form, runtime: Runtime, schema: Schema, sample: Batch, background: int
) -> Explanation:
    """Return the trees' leaves, and what the features come to in the mean. Raises CannotFold."""
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
            against = background_of(paths, sample.matrix)
    else:
        raise CannotFold(form.reason)
    means = _means(sum_of(runtime, schema), sample, len(base))
    rows = len(sample.matrix) if background else 0
    return Explanation(link, base, trees, means, against, rows)


def _means(found: Sum | None, sample: Batch, outputs: int) -> tuple[tuple[float, ...], ...]:
    """Return what each feature adds to a linear sum in the mean `[k, features]`."""
    if found is None:
        return ()
    return tuple(
        tuple(found.parts(sample, output).mean(axis=0).tolist()) for output in range(outputs)
    )


class _Proof(NamedTuple):
    """How many rows were compared, the largest difference, and the mean sizes by feature."""

    rows: int
    largest_difference: float
    sizes: Doubles


def _prove(found: Explainer, runtime: Runtime, proof: Callable[[int], Batch]) -> _Proof:
    """Compare the sum of the contributions with what is answered. Raises EquivalenceError."""
    most = MOST_ROWS if found.quick else MOST_SLOW_ROWS
    batch = proof(max(1, most // found.outputs))
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
