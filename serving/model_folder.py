"""The models of a multi-model container: a folder where the platform puts them, one by one.

Each model is a folder of the platform's naming with a store in `model`; it is
loaded on request, and known by the folder's name from then on. Paths are made of
that name alone, never of anything else that a request says.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from errors import Conflict, MiranteError, ModelUnknown
from persistence.aliases import check_name
from persistence.artifact import Artifact
from persistence.opening import open_registry
from persistence.registry import Alias, Registry
from policy import is_name
from serving.champions import Champions


class LoadedModel(NamedTuple):
    """A model of the folder: its own registry, and its name in there."""

    registry: Registry
    name: str


class ModelFolder:
    """The models loaded so far, as a registry for the champions.

    `open_registry` opens the store in a folder.
    """

    def __init__(self, folder: str | Path, open_registry: Callable[[Path], Registry]) -> None:
        self._folder = Path(folder)
        self._open = open_registry
        self._loaded: dict[str, LoadedModel] = {}
        self._champions: Champions | None = None

    def serve(self, champions: Champions) -> None:
        """Set the champions that load what is loaded here."""
        self._champions = champions

    def shown(self, known: Iterable[str] = ()) -> list[str]:
        """Return the names of the loaded models; what is no more among them was unloaded."""
        return sorted(self._loaded)

    def names(self) -> list[str]:
        """Return the names of the models in the folder, loaded or not."""
        if not self._folder.is_dir():
            return []
        there = (entry.name for entry in self._folder.iterdir() if (entry / "model").is_dir())
        return sorted(name for name in there if is_name(name))

    def champion(self, name: str) -> Alias | None:
        """Return the champion alias of a loaded model."""
        loaded = self._loaded[name]
        return loaded.registry.champion(loaded.name)

    def read(self, name: str, version: str, sha256: str | None = None) -> Artifact:
        """Return a verified artifact of a loaded model."""
        loaded = self._loaded[name]
        return loaded.registry.read(loaded.name, version, sha256)

    def load(self, name: str) -> None:
        """Load a model.

        Raises Conflict when it is loaded, ModelUnknown when there is none of that
        name, and what its artifact is refused with.
        """
        if check_name(name) in self._loaded:
            raise Conflict("the model is loaded already")
        folder = self._folder / name / "model"
        if not folder.is_dir():
            raise ModelUnknown("there is no model of that name beside this container")
        self._loaded[name] = LoadedModel(*self._only(folder))
        try:
            self.champion(name)
            self._refresh()
            self._live(name)
        except MiranteError:
            self.unload(name)
            raise

    def unload(self, name: str) -> None:
        """Unload a model. Raises ModelUnknown when it is not loaded."""
        if self._loaded.pop(name, None) is None:
            raise ModelUnknown("no model of that name is loaded")
        self._refresh()

    def _only(self, folder: Path) -> tuple[Registry, str]:
        registry = self._open(folder)
        names = registry.names()
        if len(names) != 1:
            raise ModelUnknown(f"the folder holds {len(names)} models; expected one")
        return registry, names[0]

    def _refresh(self) -> None:
        if self._champions is not None:
            self._champions.refresh()

    def _live(self, name: str) -> None:
        if self._champions is not None:
            self._champions.live(name)


def open_model_folder(folder: str, registry: Mapping[str, Any]) -> ModelFolder:
    """Return a folder of models, each trusted by its own keys unless a key folder is set.

    `registry` is what `open_registry` takes.
    """

    def open_folder(store: Path) -> Registry:
        keys = registry["key_folder"] or str(store / "keys")
        return open_registry(**{**registry, "model_store": str(store), "key_folder": keys})

    return ModelFolder(folder, open_folder)
