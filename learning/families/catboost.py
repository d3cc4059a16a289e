"""CatBoost: gradient boosting that knows categories; the library is an option.

CatBoost reads categories by their text. An estimator writes them from the codes of
the matrix, as the runtime does that serves the model: both give the same answers.
The library answers a row in some 50 us. Its own files, .cbm, can be imported.
A model without categories, learnt here or imported, has its trees brought into the
neutral form, and is served and explained without the library. They are
oblivious, their borders are float32, and a value above the border answers the
next bit of the leaf's index with 1.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

from errors import ArtifactDamaged, ArtifactError, DependencyError, ModelFileError, RecipeError
from learning.family import Family, Foreign, Form, Native
from learning.forms.sources import CannotFold, Columned
from learning.forms.splits import link
from learning.forms.trees import AtMost, Forest, Is, Leaf, Node, Split
from learning.prediction import Outputs
from learning.preparation import pipeline
from tables.batch import Batch
from tables.schema import Feature, Schema

INSTALL = "catboost is not installed; to install it: pip install -r requirements-catboost.txt"
RUNTIME = "catboost"
MEMBER = "model.cbm"
COLUMNS = "catboost.json"

# CatBoost hashes the texts of categories: one that it never saw is like any other such.
UNKNOWN_CATEGORY = "<unknown>"
MISSING_CATEGORY = "<missing>"
# From this many rows on, more threads pay.
MANY_ROWS = 1000
# float32 holds whole numbers up to this one.
LARGEST_CODE = 2**24
LARGEST_FLOAT = float(np.finfo(np.float32).max)
# The losses whose scores are the quantity itself; others, such as Poisson's, have a link that a
# regressor read of a file does not apply.
QUANTITIES = frozenset({"Expectile", "Huber", "LogCosh", "Lq", "MAE", "MAPE", "Quantile", "RMSE"})
# Deeper oblivious trees have more leaves than are worth compiling, and so have very many.
DEEPEST, MOST_LEAVES = 10, 200_000
CATEGORIES = "CatBoost reads its categories itself, by statistics that no tree tells"

Rounds = Annotated[int, Meta(ge=1, le=5000)]
Depth = Annotated[int, Meta(ge=1, le=12)]
Rate = Annotated[float, Meta(gt=0, le=1)]


def library() -> Any:
    """Return the library. Raises DependencyError with the command that installs it."""
    try:
        import catboost
    except ImportError:
        raise DependencyError(INSTALL) from None
    return catboost


# ---------------------------------------------------------------- columns


class Column(msgspec.Struct, frozen=True):
    """Where a feature of CatBoost's comes from.

    `index` is that of a column of the batch's matrix, or of a text. All but
    numbers are categories: by the text of `written`, or as the text is.
    """

    written: Literal["number", "category", "integer", "boolean", "word", "text"] = msgspec.field(
        name="spelt"
    )
    index: int = msgspec.field(name="place")
    categories: tuple[str, ...] = ()


class Layout(msgspec.Struct, frozen=True):
    """CatBoost's features in its order, and the index of each class of ours among its own.

    Of a quantity there are none.
    """

    columns: tuple[Column, ...]
    order: tuple[int, ...]


def table(batch: Batch, columns: tuple[Column, ...]) -> NDArray[np.object_]:
    """Return the rows as CatBoost reads them: numbers, and categories as texts."""
    made = np.empty((len(batch.matrix), len(columns)), dtype=object)
    for index, column in enumerate(columns):
        if column.written == "text":
            made[:, index] = batch.texts[column.index]
        elif column.written == "number":
            made[:, index] = batch.matrix[:, column.index]
        else:
            write = _TEXTS[column.written](column)
            made[:, index] = [write(value) for value in batch.matrix[:, column.index].tolist()]
    return made


def _missing(write: Callable[[float], str]) -> Callable[[float], str]:
    return lambda value: MISSING_CATEGORY if value != value else write(value)


def _by_code(column: Column) -> Callable[[float], str]:
    names = (*column.categories, UNKNOWN_CATEGORY)  # code -1 is the last
    return _missing(lambda code: names[int(code)])


# CatBoost writes a boolean as it does an integer; a "True" that it was given as a word is one.
_TEXTS: dict[str, Callable[[Column], Callable[[float], str]]] = {
    "category": _by_code,
    "integer": lambda column: _missing(lambda value: str(int(value))),
    "boolean": lambda column: _missing(lambda value: str(int(value))),
    "word": lambda column: _missing(lambda value: str(bool(value))),
}


# ---------------------------------------------------------------- the runtime


class CatBoostRuntime:
    """A CatBoost model over a batch."""

    name = RUNTIME
    # Not ours, but it needs no scikit-learn, and is as quick as what is.
    compiled = True
    quick = True

    def __init__(self, model: Any, layout: Layout) -> None:
        self.model = model
        self._columns = layout.columns
        self._order = list(layout.order)

    def outputs(self, batch: Batch) -> Outputs:
        """Return the probabilities `[n, k]`, or the quantities `[n, 1]`."""
        count = len(batch.matrix)
        if not count:
            return np.empty((0, len(self._order) or 1))
        threads = 1 if count < MANY_ROWS else -1
        if not self._order:
            values = self.model.predict(table(batch, self._columns), thread_count=threads)
            return np.asarray(values, np.float64).reshape(count, 1)
        answered = self.model.predict_proba(table(batch, self._columns), thread_count=threads)
        probabilities: Outputs = np.asarray(answered)[:, self._order]
        return probabilities


def dump(model: bytes, layout: Layout) -> dict[str, bytes]:
    """Return the artifact's members that the family loads."""
    return {MEMBER: model, COLUMNS: msgspec.json.encode(layout)}


def read_model(data: bytes) -> Any:
    """Return a classifier or a regressor from the bytes of a .cbm file. Raises ArtifactDamaged."""
    catboost = library()
    try:
        found = catboost.CatBoostClassifier().load_model(blob=data)
        if len(np.asarray(found.classes_)):
            return found
        return catboost.CatBoostRegressor().load_model(blob=data)
    except catboost.CatBoostError:
        raise ArtifactDamaged("the model is not a .cbm file that CatBoost reads") from None


# ---------------------------------------------------------------- the estimator


class CatBoost:
    """A CatBoost classifier, as scikit-learn's pipelines use one, without importing scikit-learn.

    `columns` say which columns of the matrix are categories.
    """

    def __init__(
        self,
        columns: tuple[Column, ...] = (),
        iterations: int = 500,
        depth: int = 6,
        learning_rate: float = 0.1,
        seed: int = 0,
    ) -> None:
        self.columns = columns
        self.iterations = iterations
        self.depth = depth
        self.learning_rate = learning_rate
        self.seed = seed

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the parameters, as scikit-learn asks for them."""
        names = ("columns", "depth", "iterations", "learning_rate", "seed")
        return {name: getattr(self, name) for name in names}

    def set_params(self, **parameters: Any) -> CatBoost:
        """Set parameters, as scikit-learn does."""
        vars(self).update(parameters)
        return self

    def __sklearn_tags__(self) -> Any:
        from sklearn.utils import ClassifierTags, Tags, TargetTags

        return Tags(
            estimator_type="classifier",
            target_tags=TargetTags(required=True),
            classifier_tags=ClassifierTags(),
        )

    def fit(self, rows: NDArray[np.float32], target: NDArray[np.intp]) -> CatBoost:
        """Fit on a matrix `[n, d]`; `model_` then holds the bytes of a .cbm file."""
        classifier = library().CatBoostClassifier(
            iterations=self.iterations,
            depth=self.depth,
            learning_rate=self.learning_rate,
            random_seed=self.seed,
            verbose=False,
            allow_writing_files=False,
        )
        categories = [index for index, c in enumerate(self.columns) if c.written != "number"]
        made = table(Batch(np.asarray(rows)), self.columns)
        classifier.fit(made, target, cat_features=categories)
        self.model_: bytes = classifier._serialize_model()
        self.classes_ = np.unique(target)
        self.tree_count_ = int(classifier.tree_count_)
        self.feature_importances_ = np.asarray(classifier.get_feature_importance(), dtype=float)
        return self

    def predict_proba(self, rows: NDArray[np.float32]) -> Outputs:
        """Return the probabilities `[n, k]`."""
        runtime = CatBoostRuntime(read_model(self.model_), self.layout())
        return runtime.outputs(Batch(np.asarray(rows)))

    def predict(self, rows: NDArray[np.float32]) -> NDArray[Any]:
        """Return the class of each row."""
        return np.asarray(self.classes_[self.predict_proba(rows).argmax(axis=1)])

    def layout(self) -> Layout:
        """Return what the runtime needs to know of the columns."""
        return Layout(tuple(self.columns), tuple(range(len(self.classes_))))


def catboost(
    schema: Schema,
    seed: int,
    *,
    iterations: Rounds = 500,
    depth: Depth = 6,
    learning_rate: Rate = 0.1,
) -> Any:
    """Return CatBoost over the matrix, its categories written as they were in training.

    Raises DependencyError when CatBoost is not installed, RecipeError for a
    schema with text.
    """
    library()
    if schema.texts:
        raise RecipeError(f"CatBoost reads no text here, and {schema.texts[0].name} is text")
    columns = tuple(
        Column("category", index, feature.categories)
        if feature.kind == "category"
        else Column("number", index)
        for index, feature in enumerate(schema.numeric)
    )
    return pipeline("passthrough", CatBoost(columns, iterations, depth, learning_rate, seed))


# ---------------------------------------------------------------- the family


class CatBoostFamily(Family):
    """CatBoost's models, learnt here or imported from a .cbm file."""

    name = "catboost"
    libraries = {"catboost": 1}  # noqa: RUF012 - never written to
    ending = ".cbm"
    make = staticmethod(catboost)

    def classes(self) -> tuple[type, ...]:
        """Return the estimator's class."""
        return (CatBoost,)

    def reads(self, schema: Schema) -> bool:
        """Tell whether there is no text."""
        return not schema.texts

    def size(self, model: Any) -> dict[str, int]:
        """Return the number of trees."""
        return {"num_trees": model.tree_count_}

    def fold(self, given: Columned, outputs: int) -> Form:
        """Return the trees of a model without categories, else the library's own model."""
        model, layout = given.model, given.model.layout()
        forest, reason = _forest_or_reason(read_model(model.model_), layout)
        return forest or Native(RUNTIME, dump(model.model_, layout), reason or CATEGORIES)

    def load(self, members: Mapping[str, bytes]) -> CatBoostRuntime:
        """Return the runtime. Raises DependencyError, ArtifactDamaged."""
        layout = msgspec.json.decode(members[COLUMNS], type=Layout)
        return CatBoostRuntime(read_model(members[MEMBER]), layout)

    def read_file(
        self, data: bytes, features: tuple[Feature, ...], words: frozenset[str]
    ) -> Foreign:
        """Return the model of a .cbm file. Raises DependencyError, ModelFileError."""
        try:
            model = read_model(data)
        except ArtifactError as error:
            raise ModelFileError(str(error)) from None
        ordered = _ordered(model, features)
        classes = tuple(np.asarray(model.classes_).tolist())
        if not classes:
            _check_quantity(model)
        layout = Layout(_columns(model, ordered, words), tuple(range(len(classes))))
        forest, reason = _forest_or_reason(model, layout)
        return Foreign(
            ordered,
            classes,
            Native(RUNTIME, dump(data, layout), reason or CATEGORIES),
            np.asarray(model.get_feature_importance(), dtype=float),
            {"model_name": type(model).__name__, "num_trees": int(model.tree_count_)},
            forest,
            reason,
        )


# ---------------------------------------------------------------- .cbm files


def _ordered(model: Any, features: tuple[Feature, ...]) -> tuple[Feature, ...]:
    """Return the features in the model's order, if it names them; else the example's."""
    given = {feature.name: feature for feature in features}
    names = [str(name) for name in model.feature_names_]
    if len(names) != len(given):
        raise ModelFileError(f"the model reads {len(names)} columns; the example has {len(given)}")
    if set(names) == set(given):
        ordered = [given[name] for name in names]
    elif all(name.isdigit() for name in names):
        ordered = list(features)
    else:
        odd = next(name for name in names if name not in given)
        raise ModelFileError(f"the model reads a column {odd}, which the example has not")
    categories = set(model.get_cat_feature_indices())
    return tuple(_feature(f, index in categories) for index, f in enumerate(ordered))


def _feature(feature: Feature, category: bool) -> Feature:
    if not category:
        if feature.kind == "text":
            raise ModelFileError(
                f"the model reads {feature.name} as a number; the example has text"
            )
        return feature
    if feature.kind != "number":
        return feature
    if not max(abs(feature.minimum or 0), abs(feature.maximum or 0)) < LARGEST_CODE:
        raise ModelFileError(
            f"the codes of {feature.name} are too large: {LARGEST_CODE} is the most"
        )
    return msgspec.structs.replace(feature, kind="integer", example=int(feature.example))


def _columns(
    model: Any, features: tuple[Feature, ...], words: frozenset[str]
) -> tuple[Column, ...]:
    categories = set(model.get_cat_feature_indices())
    numeric = [feature for feature in features if feature.kind != "text"]
    texts = [feature for feature in features if feature.kind == "text"]
    made = []
    for index, feature in enumerate(features):
        if feature.kind == "text":
            made.append(Column("text", texts.index(feature)))
        else:
            kind = "word" if feature.name in words else feature.kind
            written: Any = kind if index in categories else "number"
            made.append(Column(written, numeric.index(feature)))
    return tuple(made)


def _check_quantity(model: Any) -> None:
    """Raise ModelFileError for a model of neither classes nor one quantity."""
    loss = str(model.get_all_params().get("loss_function", "")).partition(":")[0]
    if loss not in QUANTITIES:
        raise ModelFileError(
            f"a CatBoost model of the loss {loss or 'that it does not name'} is neither a "
            f"classifier nor of one of {', '.join(sorted(QUANTITIES))}"
        )


def _forest_or_reason(model: Any, layout: Layout) -> tuple[Forest | None, str | None]:
    """Return the trees of a model without categories, or why there are none."""
    if model.get_cat_feature_indices():
        return None, None
    try:
        return _forest(model, layout), None
    except CannotFold as error:
        return None, str(error)


def _forest(model: Any, layout: Layout) -> Forest:
    document = _document(model)
    trees = document.get("oblivious_trees")
    if not trees or any(len(tree.get("splits") or ()) > DEEPEST for tree in trees):
        raise CannotFold("its trees are not oblivious, or too deep")
    if sum(1 << len(tree.get("splits") or ()) for tree in trees) > MOST_LEAVES:
        raise CannotFold(f"its trees have more than {MOST_LEAVES} leaves")
    outputs = 1 if len(layout.order) <= 2 else len(layout.order)
    scale, bias = document["scale_and_bias"]
    floats = document["features_info"]["float_features"]
    builder = _Builder(floats, layout.columns, outputs, float(scale))
    nodes = tuple(builder.tree(tree) for tree in trees)
    base = tuple(float(b) for b in bias)
    return Forest(
        nodes, len(layout.columns), outputs, link(outputs) if layout.order else "identity", base
    )


def _document(model: Any) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "model.json")
        model.save_model(str(file), format="json")
        document: dict[str, Any] = json.loads(file.read_bytes())
    return document


class _Builder:
    """Unfolds oblivious trees into plain ones."""

    def __init__(
        self,
        floats: list[dict[str, Any]],
        columns: tuple[Column, ...],
        outputs: int,
        scale: float,
    ) -> None:
        self._indices = {f["feature_index"]: columns[f["flat_feature_index"]].index for f in floats}
        # AsFalse: a missing value is below every border; AsTrue: above; AsIs: it never came.
        below = {"AsFalse": True, "AsTrue": False}
        self._missing = {f["feature_index"]: below.get(f["nan_value_treatment"]) for f in floats}
        self._outputs = outputs
        self._scale = scale

    def tree(self, tree: dict[str, Any]) -> Node:
        splits = list(enumerate(tree.get("splits") or ()))
        rows = tree.get("leaf_weights") or [0.0] * (1 << len(splits))
        return self._node(splits, 0, tree["leaf_values"], rows)

    def _node(
        self,
        splits: list[tuple[int, dict[str, Any]]],
        leaf: int,
        values: list[float],
        rows: list[float],
    ) -> Node:
        if not splits:
            found = values[leaf * self._outputs : (leaf + 1) * self._outputs]
            return Leaf(tuple(self._scale * value for value in found), float(rows[leaf]))
        (bit, split), rest = splits[-1], splits[:-1]
        below = self._node(rest, leaf, values, rows)
        above = self._node(rest, leaf | 1 << bit, values, rows)
        total = below.rows + above.rows
        feature, border = split["float_feature_index"], float(np.float32(split["border"]))
        index, missing = self._indices[feature], self._missing[feature]
        if abs(border) == LARGEST_FLOAT:
            # At the ends of float32 stands the border that tells missing values from all others.
            yes, no = (below, above) if border < 0 else (above, below)
            return Split(Is(index, None, True), yes, no, total)
        return Split(AtMost(index, border, missing), below, above, total)


family = CatBoostFamily()
