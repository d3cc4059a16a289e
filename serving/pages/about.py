"""The head of a model's pages: its name, what it is in a sentence, and the tabs."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from serving.champions import Live
from serving.pages.language import Catalogue
from serving.pages.page import Visit

# The pages of a model in their order, each with what follows its address.
TABS = (("page", ""), ("quality", "/quality"), ("data", "/data"), ("versions", "/versions"))
# Classes that are named in a sentence.
MOST_NAMED = 4
_AGES = (("days", 86_400), ("hours", 3_600), ("minutes", 60))


def about(visit: Visit) -> dict[str, Any]:
    """Return what the head of a model's page says. Raises ModelUnknown and ModelNotReady."""
    live, words = visit.live, visit.words
    sentence = words(
        "about_model",
        target=target_of(live, words),
        version=live.version,
        age=age_of(live, words),
    )
    tabs = [(name, f"/models/{quote(live.name)}{path}") for name, path in TABS]
    return {"name": live.name, "sentence": sentence, "tabs": tabs}


def target_of(live: Live, words: Catalogue) -> str:
    """Return what a model predicts in a few words: the target, and its classes or its unit."""
    target = live.schema.target
    if not target.classes:
        return f"{target.name} ({target.unit})" if target.unit else target.name
    named = ", ".join(target.keys[:MOST_NAMED])
    more = len(target.keys) - MOST_NAMED
    return f"{target.name} ({named}{words('and_more', n=more) if more > 0 else ''})"


def age_of(live: Live, words: Catalogue, now: datetime | None = None) -> str:
    """Return how long ago a model was trained, in its largest unit."""
    made = datetime.fromisoformat(live.manifest.created_at)
    seconds = ((now or datetime.now(UTC)) - made.astimezone(UTC)).total_seconds()
    for unit, length in _AGES:
        if seconds >= length:
            return words(f"age_{unit}", n=int(seconds // length))
    return words("age_now")
