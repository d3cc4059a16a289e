"""What a page is: its address, its template, and what stands in it for a visit."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from persistence.registry import Registry
from serving.champions import Champions, Live
from serving.pages.language import Catalogue


class Place(NamedTuple):
    """What pages tell of: the live models, their versions, and how the service is set."""

    champions: Champions
    registry: Registry
    default_model: str
    closed: bool


@dataclass(frozen=True)
class Visit:
    """One look at a page: its language, the model that its address names, the query, a form.

    `base` is the address of the service as the browser knows it, without a path.
    """

    place: Place
    words: Catalogue
    path: str
    base: str = ""
    name: str = ""
    query: Mapping[str, str] = field(default_factory=dict)
    form: bytes | None = None

    @property
    def live(self) -> Live:
        """The live model of the address. Raises ModelUnknown and ModelNotReady."""
        return self.place.champions.live(self.name)


class Page(NamedTuple):
    """A page: `rule` is Flask's, and `context` returns what its template is filled with.

    `tab` is the page's name among the tabs of a model, or of the service. One that does not
    tell of what is inside is `open` where prediction needs a key.
    """

    rule: str
    template: str
    context: Callable[[Visit], dict[str, Any]]
    tab: str
    open: bool = False
    methods: tuple[str, ...] = ("GET",)
