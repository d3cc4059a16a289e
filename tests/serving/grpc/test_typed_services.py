"""A typed service a model: found by its path, remade when the champion changes."""

from __future__ import annotations

from typing import Any

import pytest

from errors import RowsError
from serving.actions import predict
from serving.contributions import contributions_of
from serving.exchange import Exchange
from serving.grpc.typed_services import TypedServices
from serving.refusals import RequestError
from tests.serving.explained import live_of, rows_of
from tests.serving.factory import make_champions, make_live

PATH = "/ml.CreditPredictor/PredictCreditApproved"


def call(services: TypedServices, path: str = PATH, query: bytes = b"", **row: Any) -> Any:
    (service,) = services.services()
    method = service.messages.proto.methods[0]
    route = services.find(path)
    assert route is not None
    request = service.messages[method.request](**row)
    exchange = Exchange(route, {}, "id", query, body=request.SerializeToString())
    exchange.decoded = route.protocol.decode(exchange)
    predict([exchange])
    return service.messages[method.reply].FromString(route.protocol.render(exchange).body)


def test_a_row_is_answered_with_class_probabilities_and_version() -> None:
    live = make_live()
    reply = call(TypedServices(make_champions(live)), age=30, home="rent", records=False)
    assert reply.approved is True
    assert list(reply.probabilities) == pytest.approx([0.4255575, 0.5744425])
    assert reply.model_version == live.version


def test_a_call_that_says_so_gets_the_contributions_of_its_fields() -> None:
    live, row = live_of(), rows_of()[0]
    path = "/ml.CreditPredictor/PredictCreditStays"
    services = TypedServices(make_champions(live))
    plain = call(services, path, **row)
    assert not list(plain.contributions)
    reply = call(services, path, b"explain=1", **row)
    batch = live.codec.encode_objects([row])
    found = contributions_of(live, batch, live.predict(batch))
    assert list(reply.contributions) == found.values[0].tolist()
    assert reply.baseline == found.baselines[0]
    assert (reply.contributions_space, reply.contributions_class) == ("log_odds", "yes")
    with pytest.raises(RequestError, match="true or false"):
        call(services, path, b"explain=3", **row)


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
