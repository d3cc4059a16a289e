"""A typed service a model: found by its path, remade when the champion changes."""

from __future__ import annotations

from typing import Any

import pytest

from errors import RowsError
from serving.actions import predict
from serving.exchange import Exchange
from serving.grpc.typed_services import TypedServices
from tests.serving.factory import make_champions, make_live

PATH = "/ml.CreditPredictor/PredictCreditApproved"


def call(services: TypedServices, **row: Any) -> Any:
    (service,) = services.services()
    method = service.messages.proto.methods[0]
    route = services.find(PATH)
    assert route is not None
    request = service.messages[method.request](**row)
    exchange = Exchange(route, {}, "id", body=request.SerializeToString())
    exchange.decoded = route.protocol.decode(exchange)
    predict([exchange])
    return service.messages[method.reply].FromString(route.protocol.render(exchange).body)


def test_a_row_is_answered_with_class_probabilities_and_version() -> None:
    live = make_live()
    reply = call(TypedServices(make_champions(live)), age=30, home="rent", records=False)
    assert reply.approved is True
    assert list(reply.probabilities) == pytest.approx([0.4255575, 0.5744425])
    assert reply.model_version == live.version


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(RowsError):
        call(TypedServices(make_champions(make_live())), age=30, income=float("inf"))


def test_a_model_that_is_not_live_has_no_service() -> None:
    services = TypedServices(make_champions())
    assert services.find(PATH) is None
    assert services.services() == []


def test_a_service_is_kept_until_its_champion_changes() -> None:
    champions = make_champions(make_live())
    services = TypedServices(champions)
    (first,), (again,) = services.services(), services.services()
    assert first is again
    champions._live["credit"] = make_live(version="20270101t000000z-000002")
    (other,) = services.services()
    assert other is not first
    assert other.route.pattern == first.route.pattern == PATH
