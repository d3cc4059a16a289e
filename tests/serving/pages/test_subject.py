"""A version as pages see it, live or not, whole or of a release before."""

from __future__ import annotations

from dataclasses import replace

from serving.pages.subject import subject_of, subject_of_artifact
from tests.serving.pages.versions_made import artifact, live, subject


def test_a_live_model_and_its_artifact_tell_the_same() -> None:
    one, other = subject_of(live("two")), subject_of_artifact(artifact("two"))
    assert one == other
    assert subject_of(live("two")) is one
    assert one.quality == other.quality
    assert one.quality is not None
    assert one.histograms is not None
    assert len(one.histograms.features) == len(one.schema.features)
    assert set(one.curves) <= {feature.name for feature in one.schema.features}
    assert one.profile is not None
    assert one.rows is not None


def test_what_an_older_release_did_not_keep_is_none() -> None:
    old = replace(subject("two"), kept={})
    assert (old.quality, old.histograms, old.profile, old.rows) == (None, None, None, None)
    assert old.curves == {}


def test_what_another_release_wrote_otherwise_is_as_if_not_there() -> None:
    other = replace(subject("two"), kept={"quality.json": b"[]", "curves.json": b"3"})
    assert other.quality is None
    assert other.curves == {}
