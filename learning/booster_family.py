"""What the families of boosting libraries share: they read no text, and stop by held-out rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from numpy.typing import NDArray

from errors import RecipeError
from learning.family import Family
from learning.preparation import pipeline
from learning.progress import Progress
from tables.schema import Schema
from tables.split import Fold


class BoosterFamily(Family):
    """A family whose estimators are those of `learning.boosters`, named by its `library`."""

    library: ClassVar[str]
    folds = 5

    def classes(self) -> tuple[type, ...]:
        """Return this project's own classes."""
        from learning import boosters

        kinds = (f"{self.library}Classifier", f"{self.library}Regressor")
        return tuple(getattr(boosters, kind) for kind in kinds)

    def reads(self, schema: Schema) -> bool:
        """Tell whether there is no text."""
        return not schema.texts

    def fit_folded(
        self, model: Any, rows: Any, target: NDArray[Any], folds: Sequence[Fold], progress: Progress
    ) -> None:
        """Fit, the last fold's rows held out to choose the rounds."""
        model.learn(rows, target, folds[-1] if folds else None, progress)

    def estimator(self, schema: Schema, **settings: Any) -> Any:
        """Return an estimator of the schema's target. Raises RecipeError for one with text."""
        if not self.reads(schema):
            raise RecipeError(f"{self.library} reads no text, and {schema.texts[0].name} is text")
        classifier, regressor = self.classes()
        kind = classifier if schema.target.classes else regressor
        codes = [i for i, column in enumerate(schema.numeric) if column.kind == "category"]
        return pipeline("passthrough", kind(categories=codes, **settings))
