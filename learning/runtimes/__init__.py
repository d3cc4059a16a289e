"""How a learnt model predicts: one file a runtime, each a stranger to the others."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module

from errors import FormatMismatch
from learning.families import family_names, find_family
from learning.prediction import Runtime

# The module of each runtime is imported when a model first asks for it: the web
# process of compiled models never imports scikit-learn. A family whose library
# answers itself has its runtime in its own file.
MODULES = {
    "additive": "learning.runtimes.additive",
    "linear": "learning.runtimes.linear",
    "onnx": "learning.runtimes.onnx",
    "sklearn": "learning.runtimes.sklearn",
    "text": "learning.runtimes.text",
}


def load_runtime(name: str, members: Mapping[str, bytes]) -> Runtime:
    """Return the runtime that a manifest names, made from its artifact's members.

    Raises FormatMismatch for a runtime that this release does not have, and
    whatever ArtifactError the runtime finds in its members.
    """
    if name in MODULES:
        runtime: Runtime = import_module(MODULES[name]).load(members)
        return runtime
    if name in family_names():
        return find_family(name).load(members)
    known = sorted([*MODULES, *family_names()])
    raise FormatMismatch(f"the artifact names no runtime of this release: {known}")
