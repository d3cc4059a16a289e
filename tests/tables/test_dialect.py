from __future__ import annotations

import msgspec

from tables.dialect import PLAIN_DIALECT, Dialect


def test_a_plain_dialect_is_written_as_nothing_and_read_back() -> None:
    # Artifacts of before dialects were kept have none.
    assert msgspec.json.encode(PLAIN_DIALECT) == b"{}"
    assert msgspec.json.decode(b"{}", type=Dialect) == PLAIN_DIALECT
    assert (PLAIN_DIALECT.delimiter, PLAIN_DIALECT.decimal) == (",", ".")
