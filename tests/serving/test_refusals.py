from __future__ import annotations

import inspect
import re
from http import HTTPStatus

import pytest

from errors import MiranteError
from serving import refusals
from serving.problems import status_of

KINDS = [
    kind
    for kind in vars(refusals).values()
    if inspect.isclass(kind) and kind.__module__ == refusals.__name__
]


@pytest.mark.parametrize("kind", KINDS)
def test_each_stands_in_the_drawing_and_is_no_fault_of_ours(kind: type[MiranteError]) -> None:
    assert re.search(rf"─ {kind.__name__}\b", refusals.__doc__ or "")
    assert inspect.getdoc(kind)
    status = status_of(kind("a fact"))
    # A deadline that the caller set has passed: over gRPC alone, where it is no 500.
    assert HTTPStatus.BAD_REQUEST <= status < 500 or status == HTTPStatus.GATEWAY_TIMEOUT
