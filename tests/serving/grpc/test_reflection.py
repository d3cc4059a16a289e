"""Reflection follows the live models; test_server.py calls it over a port."""

from __future__ import annotations

import pytest

from serving.grpc.reflection import Reflection
from tests.serving.factory import make_champions, make_live

SHARED = (
    "grpc.health.v1.Health",
    "grpc.reflection.v1alpha.ServerReflection",
    "inference.GRPCInferenceService",
)


def test_services_come_and_go_with_the_models() -> None:
    champions = make_champions()
    reflection = Reflection(champions)
    assert reflection.services() == SHARED
    champions._live["credit"] = make_live()
    assert reflection.services() == tuple(sorted((*SHARED, "ml.CreditPredictor")))
    del champions._live["credit"]
    assert reflection.services() == SHARED


def test_a_symbol_is_found_in_whichever_pool_has_it() -> None:
    pools = Reflection(make_champions(make_live()))._pools
    for symbol, file in (
        ("ml.CreditPredictor", "ml/credit.proto"),
        ("inference.ModelInferRequest", "open_inference.proto"),
        ("grpc.health.v1.Health", "grpc_health/v1/health.proto"),
    ):
        assert pools.FindFileContainingSymbol(symbol).name == file
    with pytest.raises(KeyError):
        pools.FindFileContainingSymbol("ml.Nothing")


def test_it_offers_nothing_but_to_find() -> None:
    with pytest.raises(AttributeError):
        _ = Reflection(make_champions())._pools.Add
