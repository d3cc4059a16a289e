"""Compiles a fitted estimator into a runtime that needs no scikit-learn, and proves it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from errors import EquivalenceError
from learning.compile.equivalence import probes, prove
from learning.compile.weights import linear_model, text_model
from learning.families import family_of
from learning.family import Form, Native
from learning.forms.additive import Additive
from learning.forms.sources import CannotFold, columned, last_step
from learning.forms.trees import Forest, thresholds
from learning.prediction import Runtime
from learning.runtimes import linear, load_runtime, text
from learning.runtimes import sklearn as by_estimator
from learning.tasks import task_of
from tables.batch import Batch, joined
from tables.schema import Schema


class Compiled(NamedTuple):
    """What an artifact keeps of a learnt model.

    `members` holds the bytes of the runtime that serves it, and always the
    estimator too. `parity` is the proof of a compiled
    model: `rows` compared and the `largest_difference` of an output; otherwise
    `reason` says in one line why it is not compiled. `runtime` is loaded of the
    members, as the server does it.
    """

    runtime: Runtime
    members: dict[str, bytes]
    parity: dict[str, float] | None
    reason: str | None

    @property
    def runtime_name(self) -> str:
        """What the manifest calls the runtime."""
        return self.runtime.name


class Candidate(NamedTuple):
    """A compiled model that is still to be proven, and the thresholds it hangs on."""

    runtime_name: str
    members: dict[str, bytes]
    thresholds: dict[int, list[float]]


def compile(estimator: Any, schema: Schema, batches: Sequence[Batch], seed: int = 0) -> Compiled:
    """Return the fitted estimator as the fastest runtime that answers exactly as it does.

    `batches` are the training and hold-out rows. On all of them, and on rows
    made from them either side of every threshold, with unknown categories and
    missing values, the task must find the answers the same: of classes each
    equal, and each probability within 1e-5. Raises EquivalenceError for an
    estimator that does not know the target.
    """
    task = task_of(schema.target)
    task.check(estimator, schema.target)
    kept = by_estimator.dump(estimator)
    expected = by_estimator.SklearnRuntime(estimator).outputs
    rows = joined(batches)
    reasons: list[str] = []
    for attempt in _attempts(estimator, schema):
        try:
            found = attempt(estimator, schema, rows)
            runtime = load_runtime(found.runtime_name, found.members)
            near = probes(rows, schema, found.thresholds, seed)
            parity = prove(expected, runtime, [rows, near], task.difference)
        except (CannotFold, EquivalenceError) as error:
            reasons.append(str(error))
            continue
        return Compiled(runtime, {**found.members, **kept}, parity, None)
    reason = "; ".join(dict.fromkeys(reasons))
    return Compiled(load_runtime("sklearn", kept), kept, None, reason)


Attempt = Callable[[Any, Schema, Batch], Candidate]


def _attempts(estimator: Any, schema: Schema) -> tuple[Attempt, ...]:
    """Return what can be tried, the fastest runtime first; words do not survive ONNX."""
    return (_folded,) if schema.texts else (_folded, _folded_precisely, _converted)


def _folded(estimator: Any, schema: Schema, rows: Batch) -> Candidate:
    form = form_of(estimator, schema)
    if isinstance(form, Forest):
        return compile_forest(form)
    if isinstance(form, Additive):
        return compile_additive(form)
    if isinstance(form, Native):
        return Candidate(form.runtime_name, form.members, {})
    if schema.texts:
        return Candidate("text", text.dump(text_model(form)), {})
    return Candidate("linear", linear.dump(linear_model(form)), {})


def _folded_precisely(estimator: Any, schema: Schema, rows: Batch) -> Candidate:
    """Return trees whose sums are float64, for labels that float32 was too coarse for."""
    form = form_of(estimator, schema)
    if not isinstance(form, Forest):
        raise CannotFold(f"{type(last_step(estimator)).__name__} is not made of trees")
    return compile_forest(form, precise=True)


def form_of(estimator: Any, schema: Schema) -> Form:
    """Return the estimator in the neutral form that its family gives it. Raises CannotFold."""
    given = columned(estimator, schema)
    return family_of(given.model).fold(given, task_of(schema.target).width(schema.target))


def compile_forest(forest: Forest, precise: bool = False) -> Candidate:
    """Return a forest of any origin as the members of the ONNX runtime, not yet proven."""
    from learning.compile.graph import forest_graph
    from learning.runtimes.onnx import MEMBER

    # Of quantities float32 has too few digits.
    precise = precise or forest.quantity
    return Candidate("onnx", {MEMBER: forest_graph(forest, precise)}, thresholds(forest))


def compile_additive(form: Additive) -> Candidate:
    """Return trees and a linear term as the members of the additive runtime, not yet proven."""
    from learning.compile.graph import forest_graph
    from learning.runtimes import additive

    forest = form.forest
    scores = replace(forest, link="identity", base=())
    head = additive.Head(forest.base or (0.0,) * forest.outputs, forest.link)
    term = form.term
    model = additive.TermModel(text_model(term.linear), *term[1:]) if term else None
    # Of quantities float32 has too few digits; and of a few trees double costs next to nothing.
    trees = forest_graph(scores, precise=True) if forest.trees else None
    members = additive.dump(trees, model, head)
    return Candidate("additive", members, thresholds(forest))


def _converted(estimator: Any, schema: Schema, rows: Batch) -> Candidate:
    from learning.compile.conversion import convert
    from learning.runtimes.onnx import MEMBER

    return Candidate("onnx", {MEMBER: convert(estimator, rows.matrix)}, {})
