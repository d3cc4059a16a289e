from __future__ import annotations

from typing import Any

import msgspec
import pytest

from jobs.job import Result
from jobs.messages import Advanced, Ended, MayRegister, Noted, Refused, Staged, decode, encode

SAID = (
    Staged("fit", 200),
    Staged("register"),
    Advanced(7),
    Noted("a line\nand another"),
    MayRegister(),
    Ended(Result("v1", True, metrics={"roc_auc": 0.9})),
    Refused("the table has no rows"),
)


@pytest.mark.parametrize("message", SAID)
def test_a_message_is_one_line_and_comes_back_as_it_was(message: Any) -> None:
    line = encode(message)
    assert line.index(b"\n") == len(line) - 1
    assert decode(line) == message


@pytest.mark.parametrize("line", [b"", b"{", b"{}", b'{"type":"other"}', b'{"type":"note"}'])
def test_what_no_child_says_is_refused(line: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        decode(line)
