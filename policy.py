"""What several rooms must agree on, written once: names, versions, promotion, stages of a run."""

from __future__ import annotations

import re
from typing import Annotated, Literal, get_args

from msgspec import Meta

# A model's name, and a version's id; both are parts of keys in every store.
NAME = r"[a-z0-9][a-z0-9_-]{0,63}"
VERSION = r"[a-z0-9][a-z0-9_.-]{0,63}"

Name = Annotated[str, Meta(pattern=rf"^{NAME}\Z")]

# Whether a new version becomes the champion: if it is at least as good, or whatever it is.
Promotion = Literal["if_better", "always", "never"]
PROMOTIONS: tuple[Promotion, ...] = get_args(Promotion)
DEFAULT_PROMOTION: Promotion = "if_better"

# The stages of a training run, in their order; `choose` is left out where there is one estimator.
Stage = Literal["read", "choose", "fit", "evaluate", "compile", "compare", "register"]
STAGES: tuple[Stage, ...] = get_args(Stage)

# The ways out for a table that is too large for the memory that there is.
LESS_MEMORY = (
    "learn in parts (build_model.py --in-parts), train where there is more memory, or sample the "
    "table; docs/scale.md has the ways out"
)

_name = re.compile(NAME)
_version = re.compile(VERSION)


def is_name(text: str) -> bool:
    """Tell whether a model may have the name."""
    return _name.fullmatch(text) is not None


def is_version(text: str) -> bool:
    """Tell whether a version may have the id."""
    return _version.fullmatch(text) is not None
