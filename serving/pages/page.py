"""What a page is: its address, its template, and what stands in it for a visit."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from persistence.registry import Registry
from serving.auth import Scope
from serving.champions import Champions, Live
from serving.http.routes.describe import Describe
from serving.http.routes.train import Jobs
from serving.pages.language import Catalogue
from serving.pages.traffic import Watched
from serving.pages.version_summaries import Summaries

# Of a model's name, days, version and hold-out: how it did, as JSON. Raises MiranteError.
AskPerformance = Callable[[str, int, str, dict[str, Any]], bytes]


class Training(NamedTuple):
    """How models are trained here: the queue, and what reads a table of at most so many bytes."""

    get_jobs: Callable[[], Jobs]
    describe: Describe
    max_upload_bytes: int


class Place(NamedTuple):
    """What pages tell of: the live models, their versions, the jobs, and how the service is set."""

    champions: Champions
    registry: Registry
    default_model: str
    closed: bool
    watched: Watched | None = None
    ask_performance: AskPerformance | None = None
    training: Training | None = None
    summaries: Summaries | None = None


@dataclass(frozen=True)
class Visit:
    """One look at a page: its language, the model or job that its address names, the query, a form.

    `base` is the address of the service as the browser knows it, without a path.
    """

    place: Place
    words: Catalogue
    path: str
    base: str = ""
    name: str = ""
    job_id: str = ""
    query: Mapping[str, str] = field(default_factory=dict)
    form: bytes | None = None

    @property
    def live(self) -> Live:
        """The live model of the address. Raises ModelUnknown and ModelNotReady."""
        return self.place.champions.live(self.name)

    @property
    def training(self) -> Training:
        """How models are trained here."""
        assert self.place.training is not None
        return self.place.training

    @property
    def summaries(self) -> Summaries:
        """The summaries of versions that were read before."""
        return self.place.summaries or Summaries(self.place.registry)


class Page(NamedTuple):
    """A page: `rule` is Flask's, and `context` returns what its template is filled with.

    `tab` is the page's name among the tabs of a model, or of the service. One that does not
    tell of what is inside is `open` where prediction needs a key. One with a `key` is for those
    who have a key of that scope, always.
    """

    rule: str
    template: str
    context: Callable[[Visit], dict[str, Any]]
    tab: str
    open: bool = False
    methods: tuple[str, ...] = ("GET",)
    key: Scope | None = None
