"""A multi-model container's shelf: a folder where the platform puts models, one by one.

Each model is a folder of the platform's naming with a store in `model`; it is
loaded when it is asked for, and known by the folder's name from then on. Paths
are made of that name alone, never of what a request says.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from errors import Conflict, MiranteError, ModelUnknown
from persistence.aliases import check_name
from persistence.artifact import Artifact
from persistence.registry import Alias, Registry
from serving.champions import Champions


class Taken(NamedTuple):
    """A model off the shelf: the registry of its folder, and its own name in there."""

    registry: Registry
    name: str


class ModelFolder:
    """The models taken so far; to a predictor it is a registry.

    `open_registry` opens the store in a folder.
    """

    def __init__(self, folder: str | Path, open_registry: Callable[[Path], Registry]) -> None:
        self._folder = Path(folder)
        self._open = open_registry
        self._taken: dict[str, Taken] = {}
        self._predictor: Champions | None = None

    def serve(self, champions: Champions) -> None:
        """Give the predictor that is to load what is taken."""
        self._predictor = champions

    def names(self) -> list[str]:
        """Return the names of the models taken."""
        return sorted(self._taken)

    def champion(self, name: str) -> Alias | None:
        """Return the champion alias of a model taken."""
        taken = self._taken[name]
        return taken.registry.champion(taken.name)

    def read(self, name: str, version: str, sha256: str | None = None) -> Artifact:
        """Return a verified artifact of a model taken."""
        taken = self._taken[name]
        return taken.registry.read(taken.name, version, sha256)

    def take(self, name: str) -> None:
        """Load a model.

        Raises Conflict when it is loaded, ModelUnknown when there is none of that
        name, and what its artifact is refused with.
        """
        if check_name(name) in self._taken:
            raise Conflict("the model is loaded already")
        folder = self._folder / name / "model"
        if not folder.is_dir():
            raise ModelUnknown("there is no model of that name beside this container")
        self._taken[name] = Taken(*self._only(folder))
        try:
            self.champion(name)
            self._refresh()
            self._live(name)
        except MiranteError:
            self.put_back(name)
            raise

    def put_back(self, name: str) -> None:
        """Unload a model. Raises ModelUnknown when it is not loaded."""
        if self._taken.pop(name, None) is None:
            raise ModelUnknown("no model of that name is loaded")
        self._refresh()

    def _only(self, folder: Path) -> tuple[Registry, str]:
        registry = self._open(folder)
        names = registry.names()
        if len(names) != 1:
            raise ModelUnknown(f"the folder holds {len(names)} models; expected one")
        return registry, names[0]

    def _refresh(self) -> None:
        if self._predictor is not None:
            self._predictor.refresh()

    def _live(self, name: str) -> None:
        if self._predictor is not None:
            self._predictor.live(name)
