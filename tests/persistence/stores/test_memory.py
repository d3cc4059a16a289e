from __future__ import annotations

from persistence.stores.memory import MemoryStore


def test_memory_keeps_bytes_of_its_own() -> None:
    store = MemoryStore()
    data = bytearray(b"one")
    store.put("credit", data)  # type: ignore[arg-type]
    data[0] = 0
    assert store.get("credit").data == b"one"
