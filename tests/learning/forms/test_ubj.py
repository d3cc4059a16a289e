from __future__ import annotations

import struct
from typing import Any

import pytest

from learning.forms.ubj import DEEPEST, NotUBJ, decode


def name(text: str) -> bytes:
    return b"L" + struct.pack(">q", len(text.encode())) + text.encode()


@pytest.mark.parametrize(
    ("data", "value"),
    [
        (b"{}", {}),
        (
            b"{" + name("a") + b"i\xff" + name("b") + b"S" + name("\u00e9t\u00e9") + b"}",
            {"a": -1, "b": "\u00e9t\u00e9"},
        ),
        (b"[$d#L" + struct.pack(">q", 2) + struct.pack(">ff", 0.5, -2.0), [0.5, -2.0]),
        (b"[$L#i\x01" + struct.pack(">q", 1 << 40), [1 << 40]),
        (b"[#U\x02TZ", [True, None]),
        (b"[FI\x01\x00]", [False, 256]),
        (b"[]", []),
        (b"D" + struct.pack(">d", 1e300), 1e300),
    ],
)
def test_what_xgboost_writes_is_read(data: bytes, value: Any) -> None:
    assert decode(data) == value


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "cut off"),
        (b"{L", "cut off"),
        (b"[$d#L" + struct.pack(">q", 1 << 60), "cut off"),
        (b"[#L" + struct.pack(">q", -1), "cut off"),
        (b"[#L" + struct.pack(">q", 1 << 40) + b"Z", "cut off"),
        (b"[$Z#L" + struct.pack(">q", 1 << 60), "of another type than numbers"),
        (b"[" * (DEEPEST + 2), "too deep"),
        (b"H", "no type"),
        (b"{}{}", "more behind"),
        (b"{d", "no length"),
        (b"Si\x01\xff", "damaged"),
        (b"[#d", "no integer"),
    ],
)
def test_what_is_cut_off_or_damaged_is_said_before_it_is_made(data: bytes, said: str) -> None:
    with pytest.raises(NotUBJ, match=said):
        decode(data)
