"""The documents of replays: the last one of each version."""

from __future__ import annotations

from monitoring.archive import Archive
from monitoring.replay_documents import ReplayDocuments
from persistence.stores.memory import MemoryStore


def test_the_last_replay_of_a_version_is_kept() -> None:
    documents = ReplayDocuments(Archive(MemoryStore()))
    assert documents.read("credit", "v2") is None
    documents.keep("credit", "v2", {"rows": 1})
    documents.keep("credit", "v2", {"rows": 2})
    found = documents.read("credit", "v2")
    assert found is not None
    assert (found["model"], found["rows"]) == ("credit", 2)
    assert found["made_at"].endswith("Z")
    assert documents.read("credit", "v3") is None
