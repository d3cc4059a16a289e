"""Logistic regressions of R's glm, as `clients/r/export_glm.R` writes them."""

from __future__ import annotations

from errors import ModelFileError
from learning.compile.weights import linear_model
from learning.explanation import form_explanation
from learning.forms.sources import Indicator, Linear, Number, Source
from learning.forms.trees import Is
from learning.imports.document import Document, Glm
from learning.imports.imported import Imported, first_rows, reproduce
from learning.runtimes import linear

# R's own predictions are met to this.
TOLERANCE = 1e-6


def import_glm(document: Document, model: Glm) -> Imported:
    """Return the regression as the linear runtime.

    Raises ModelFileError for what is not supported, EquivalenceError when R's own
    predictions are not met.
    """
    if len(document.classes) != 2:
        raise ModelFileError("expected a logistic regression of two classes")
    form = _folded(document, model)
    members = linear.dump(linear_model(form))
    batch = document.batch()
    runtime, proof = reproduce("linear", members, batch, document.expected(), TOLERANCE)
    schema = document.schema()
    info = {"model_name": "glm", "num_features": len(schema.features)}
    origin = {"imported_from": f"glm(family = binomial), {document.made_with}"}
    probabilities = runtime.outputs(batch).tolist()
    made = Imported(
        schema, "linear", members, document.objects(), probabilities, info, origin, proof
    )
    why = form_explanation(form, runtime, schema, batch, lambda most: first_rows(batch, most))
    return made.explained(why)


def _folded(document: Document, model: Glm) -> Linear:
    # R's score is that of its second class; sorted, that may be our first.
    sign = 1.0 if document.order == [0, 1] else -1.0
    sources: list[Source] = []
    weights: list[float] = []
    for index, (column, given) in enumerate(zip(document.columns, model.weights, strict=True)):
        if len(given) != max(1, len(column.levels)):
            raise ModelFileError(f"column {column.name} has not as many weights as it needs")
        if column.levels:
            # A level never seen has none of them: it is scored as the reference level is.
            sources += [Indicator(Is(index, code)) for code in range(len(given))]
        else:
            sources.append(Number(index))
        weights += [sign * weight for weight in given]
    return Linear(sources, [weights], [sign * model.intercept[0]])
