import msgspec

from scoring.options import Options


def test_options_go_to_another_process_as_they_are():
    options = Options(probabilities=False, interval=0.9, contributions=True, prefix="m_")
    assert msgspec.json.decode(msgspec.json.encode(options), type=Options) == options


def test_nothing_that_costs_is_asked_for_by_default():
    assert Options() == Options(True, None, False, "", False)
