"""The model card: a version's quality and data as one file, which opens without the service."""

from __future__ import annotations

from typing import Any, NamedTuple

from markupsafe import Markup

from learning.tasks import task_of
from persistence.artifact import Artifact
from serving.pages import static_files
from serving.pages.data import facts_of, features_told
from serving.pages.features import Told, legend_of
from serving.pages.language import Catalogue
from serving.pages.look import Look
from serving.pages.names import shown
from serving.pages.quality import sections_of
from serving.pages.rendering import render
from serving.pages.sections import Section, Table
from serving.pages.subject import subject_of_artifact
from serving.pages.traffic import Traffic

# Features that a card tells of; letters of a note.
MOST_FEATURES, MOST_LETTERS = 200, 300


class Card(NamedTuple):
    """What stands on a card."""

    title: str
    said: list[str]
    facts: Table
    notes: list[str]
    quality: list[Section]
    data: list[str]
    features: list[Told]
    marks: list[tuple[str, str]]
    more: int


def card_of(artifact: Artifact, words: Catalogue) -> Card:
    """Return the card of a version. Raises ArtifactDamaged."""
    look = Look(subject_of_artifact(artifact), words, still=True)
    subject, features = look.subject, look.subject.schema.features
    made = words(
        "card_made",
        version=shown(subject.version),
        created=shown(subject.created_at),
        rows=words.number(subject.training_rows),
        target=shown(task_of(subject.schema.target).describe(subject.schema.target), MOST_LETTERS),
    )
    return Card(
        title=words("card_of", name=shown(subject.name)),
        said=[made],
        facts=_facts(look, artifact),
        notes=[shown(note, MOST_LETTERS) for note in subject.metrics.get("notes", ())],
        quality=sections_of(look),
        data=facts_of(look),
        features=features_told(look, features[:MOST_FEATURES], Traffic()),
        marks=legend_of(look, Traffic()) if subject.histograms else [],
        more=max(0, len(features) - MOST_FEATURES),
    )


def card_html(artifact: Artifact, words: Catalogue) -> str:
    """Return the card as one HTML file with its style in it; it asks for nothing."""
    style = Markup((static_files.FOLDER / "mirante.css").read_text("utf-8"))  # noqa: S704 - ours
    return render("card.html", words, {"card": card_of(artifact, words), "style": style})


def _facts(look: Look, artifact: Artifact) -> Table:
    words, info, manifest = look.words, look.subject.info, artifact.manifest
    rows = [
        [words("card_estimator"), _estimator(info)],
        [words("card_runtime"), shown(manifest.runtime.name)],
        [words("card_libraries"), _libraries(manifest.libraries)],
        [words("card_sha"), artifact.sha256],
    ]
    return Table(words("card_facts"), ["", words("value")], rows)


def _estimator(info: Any) -> str:
    """Return the estimator with the parameters that it was given, the short ones."""
    name = shown(info.get("model_name", "–"))
    told = [
        f"{key}={value}"
        for key, value in (info.get("parameters") or {}).items()
        if value is not None
    ]
    return shown(f"{name}({', '.join(told)})" if told else name, MOST_LETTERS)


def _libraries(libraries: Any) -> str:
    return shown(
        ", ".join(f"{name} {version}" for name, version in libraries.items()), MOST_LETTERS
    )
