"""Promotion after training: may the new version take the champion's place?"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from errors import ArtifactDamaged, ArtifactError, Conflict, MiranteError, RowsError
from learning.comparison import compare
from learning.learnt_rows import learnt
from learning.prediction import Runtime
from learning.tasks import task_of
from persistence.artifact import Artifact
from persistence.model_persistence import Model, load_model, load_proven
from persistence.registry import Alias, Registry
from policy import Promotion
from tables.batch import Batch, joined
from tables.dataset import Dataset

# On fewer rows that neither has learnt from nothing is told apart.
FEWEST_ROWS = 10
# Rows that are made objects of, and encoded as the champion does, at once.
CHUNK = 10_000
# Reasons that name no figures.
NO_CHAMPION = "there was no champion"
ASKED, ASKED_NOT = "asked to be promoted", "asked not to be promoted"


class Verdict(NamedTuple):
    """Whether a new version may become champion, and why, in one line.

    `comparison` has the figures, if the champion was compared with, `replay` those of
    logged rows that both answered; `champion` is the alias that was judged against.
    """

    good: bool
    reason: str
    comparison: dict[str, Any] | None = None
    champion: Alias | None = None
    replay: dict[str, Any] | None = None

    def noting(self, note: str | None) -> Verdict:
        """Return the verdict with something to be known in its reason."""
        return self if note is None else self._replace(reason=f"{self.reason}; {note}")


def judge(
    registry: Registry, name: str, rule: Promotion, holdout: Dataset, challenger: Runtime, seed: int
) -> Verdict:
    """Say whether a challenger may replace the champion.

    Under `if_better` it may if it is at least as good on the rows of the hold-out that
    the champion has not learnt from either, where the champion answers by its own
    runtime with its own encoding of the rows. A
    champion that cannot be loaded any more can be replaced; one that has other
    classes, cannot read the rows, or has learnt from almost all, cannot be compared with. Raises
    StoreUnavailable, VersionUnknown.
    """
    champion = registry.champion(name)
    if rule == "never":
        return Verdict(False, ASKED_NOT)
    if champion is None:
        return Verdict(True, NO_CHAMPION)
    if rule == "always":
        return Verdict(True, ASKED, champion=champion)
    try:
        artifact = registry.read(name, champion.version, champion.sha256)
        verdict = _compare(artifact, holdout, challenger, seed)
    except ArtifactError as error:
        verdict = Verdict(True, f"the champion {champion.version} cannot be loaded: {error}")
    except RowsError:
        verdict = Verdict(False, f"not comparable: {champion.version} has another signature")
    return verdict._replace(champion=champion)


def _compare(artifact: Artifact, holdout: Dataset, challenger: Runtime, seed: int) -> Verdict:
    version = artifact.manifest.version
    model = load_model(artifact)
    if model.schema.target != holdout.schema.target:
        return Verdict(False, f"not comparable: {version} has another label, or other classes")
    read = _read_by(model, holdout)
    seen = learnt(artifact.members, read)
    fair = np.arange(holdout.rows) if seen is None else np.flatnonzero(~seen)
    if len(fair) < min(FEWEST_ROWS, holdout.rows):
        return Verdict(
            False,
            f"not comparable: {version} has learnt from {holdout.rows - len(fair)} of the "
            f"{holdout.rows} rows held out",
        )
    task = task_of(holdout.schema.target)
    before, after = model.runtime.outputs(read), challenger.outputs(holdout.batch)
    champion, other = (task.losses(o, holdout.target)[fair] for o in (before, after))
    found = compare(champion, other, seed)
    than = "at least as good as" if found.at_least_as_good else "not as good as"
    figures = (
        f"{task.loss_name} {found.challenger_loss:.4f} against {found.champion_loss:.4f} on "
        f"{found.rows} rows{_which(seen)}, no greater in {found.share:.0%} of "
        f"{found.resamples} resamples"
    )
    reason = f"{than} {version}: {figures}"
    return Verdict(found.at_least_as_good, reason, found.document(task.loss_name))


def _read_by(model: Model, holdout: Dataset) -> Batch:
    """Return the rows as the model encodes them, a piece at a time. Raises RowsError."""
    if model.schema == holdout.schema:
        return holdout.batch
    pieces = (
        model.codec.encode_objects(holdout.objects(range(start, min(start + CHUNK, holdout.rows))))
        for start in range(0, holdout.rows, CHUNK)
    )
    return joined(pieces)


def _which(seen: NDArray[np.bool_] | None) -> str:
    """Say which rows of the hold-out were compared on, where it is not all, or not certain."""
    if seen is None:
        return " (some may be among those that the champion learnt from)"
    return f" of {len(seen)}, those that neither has learnt from" if seen.any() else ""


def promote(
    registry: Registry, name: str, version: str, expected_serial: int | None = None
) -> Alias:
    """Make a version the champion once it was loaded and asked as a service will do it.

    Raises the ArtifactErrors for one that cannot be served, and what
    `Registry.promote` raises.
    """
    try:
        load_proven(registry.read(name, version))
    except MiranteError:
        raise
    except Exception as error:  # whatever a service would stumble over
        line = f"{name} {version} cannot be served: {type(error).__name__} when it is loaded"
        raise ArtifactDamaged(line) from error
    return registry.promote(name, version, expected_serial)


def settle(registry: Registry, name: str, version: str, verdict: Verdict) -> Verdict:
    """Promote a version that was found good; return the verdict, or why it was not promoted.

    Only the champion that was judged against is replaced: when another version
    was promoted meanwhile, that one stays. Raises the ArtifactErrors for one that
    cannot be served.
    """
    if not verdict.good:
        return verdict
    try:
        promote(registry, name, version, verdict.champion.serial if verdict.champion else 0)
    except Conflict:
        return verdict._replace(good=False, reason="another version was promoted meanwhile")
    return verdict
