"""The model repository extension: which models there are, and loading them; REST and gRPC alike.

Triton's docs/protocol/extension_model_repository.md says what its clients ask and read.
"""

from __future__ import annotations

from errors import Conflict
from serving.champions import REGISTRY, Champions
from serving.model_folder import ModelFolder
from serving.refusals import RequestError

READY, UNAVAILABLE = "READY", "UNAVAILABLE"
NOT_HERE = "models are loaded by their aliases here, and by no request; see MODELS_FOLDER"

Entry = dict[str, str]


class Repository:
    """The models as the extension has them; `folder` is where some are loaded from by name."""

    def __init__(self, champions: Champions, folder: ModelFolder | None = None) -> None:
        self._champions = champions
        self._folder = folder

    def index(self, ready: bool = False) -> list[Entry]:
        """Return an entry for each model, or for each that is ready, by name."""
        lives = self._champions.lives
        entries = {name: _entry(name, live.version, READY, "") for name, live in lives.items()}
        if not ready:
            faults = self._champions.faults
            faults.pop(REGISTRY, None)
            there = dict.fromkeys(self._folder.names() if self._folder else (), "unloaded")
            entries |= {
                name: _entry(name, "", UNAVAILABLE, reason)
                for name, reason in (there | faults).items()
                if name not in entries
            }
        return [entries[name] for name in sorted(entries)]

    def load(self, name: str) -> None:
        """Load a model of the folder; one that is loaded stays, and follows its alias.

        Raises RequestError where nothing is loaded by a request, ModelUnknown, and what
        its artifact is refused with.
        """
        try:
            self._loader().load(name)
        except Conflict:
            return

    def unload(self, name: str) -> None:
        """Unload a model of the folder. Raises RequestError and ModelUnknown."""
        self._loader().unload(name)

    def _loader(self) -> ModelFolder:
        if self._folder is None:
            raise RequestError(NOT_HERE)
        return self._folder


def _entry(name: str, version: str, state: str, reason: str) -> Entry:
    return {"name": name, "version": version, "state": state, "reason": reason}
