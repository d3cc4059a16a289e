"""The form of a model: a control for each feature, by its kind, and the row that a form says.

Controls are called `f` and the feature's index: a stranger's name would be a word of the page's own
in some browser, and 5,000 of them long.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple
from urllib.parse import parse_qsl

import msgspec

from errors import ParseError
from serving.champions import Live
from serving.pages.histograms import Histogram, histograms_of
from serving.refusals import BodyTooLarge
from tables.schema import Feature, Schema

# A category of more values is typed, with a list of the first of them beside it.
MOST_CHOICES, MOST_LISTED = 60, 200
# A model of more features is shown in groups, of which the first has those that weigh most.
FEWEST_GROUPED, IMPORTANT, GROUP = 40, 12, 50
# A control of more features has no slider and no histogram.
MOST_DRAWN = 400
# Steps of a slider.
STEPS = 200
SIGNATURE = "signature"
# Of a form that is sent: bytes, and fields of one that a browser sends by itself.
MOST_FORM, MOST_FIELDS = 2**20, 20_000
_FIELDS = msgspec.json.Decoder(dict[str, str])
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII)
_WHOLE = re.compile(r"[+-]?\d{1,19}", re.ASCII)
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
Look = Literal["number", "switch", "choice", "typed", "date", "text"]


class Choice(NamedTuple):
    """One value that can be chosen; `share` is how often training had it, if that is known."""

    value: str
    label: str
    chosen: bool
    share: float | None = None


class Control(NamedTuple):
    """A feature's control: what it looks like, what it holds, and what training had."""

    id: str
    name: str
    look: Look
    value: str
    nullable: bool
    choices: Sequence[Choice] = ()
    minimum: float | None = None
    maximum: float | None = None
    step: float = 1.0
    histogram: Histogram | None = None
    problem: str = ""


class Group(NamedTuple):
    """Controls that are shown together; the first of a wide model are those that weigh most."""

    controls: Sequence[Control]
    first: int
    last: int
    important: bool = False


def fields_of(body: bytes) -> dict[str, str]:
    """Return the fields of a form, as a browser sends it or as the page's script does, in JSON.

    Raises BodyTooLarge and ParseError.
    """
    if len(body) > MOST_FORM:
        raise BodyTooLarge(f"a form is at most {MOST_FORM} bytes")
    if body[:1] == b"{":
        try:
            return _FIELDS.decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise ParseError("expected a form: an object of texts") from None
    text = body.decode("utf-8", "replace")
    try:
        return dict(parse_qsl(text, keep_blank_values=True, max_num_fields=MOST_FIELDS))
    except ValueError:
        raise ParseError(f"expected a form of at most {MOST_FIELDS} fields") from None


def row_of(schema: Schema, fields: Mapping[str, str]) -> dict[str, Any]:
    """Return the row that a form says, as JSON has it; what is no number stays a text."""
    return {
        feature.name: _value(feature, fields.get(f"f{index}", ""))
        for index, feature in enumerate(schema.features)
    }


def signature_of(live: Live) -> str:
    """Return a digest of what the form's fields mean; another champion may have other features."""
    return live.remember("form", _digest)


def _digest(live: Live) -> str:
    told = [(f.name, f.kind, f.categories, f.nullable) for f in live.schema.features]
    return hashlib.sha256(msgspec.json.encode(told)).hexdigest()[:16]


def groups_of(live: Live, row: Mapping[str, Any], problems: Mapping[str, str]) -> list[Group]:
    """Return the controls of a model, filled with a row; `problems` are said beside them."""
    features = live.schema.features
    drawn = histograms_of(live) if len(features) <= MOST_DRAWN else {}
    controls = [
        _control(index, feature, row.get(feature.name), drawn.get(feature.name), problems)
        for index, feature in enumerate(features)
    ]
    if len(controls) < FEWEST_GROUPED:
        return [Group(controls, 1, len(controls))]
    first = _important(live, problems)
    rest = [control for index, control in enumerate(controls) if index not in first]
    groups = [Group([controls[index] for index in first], 1, len(first), True)]
    for start in range(0, len(rest), GROUP):
        part = rest[start : start + GROUP]
        groups.append(Group(part, start + len(first) + 1, start + len(first) + len(part)))
    return groups


def _important(live: Live, problems: Mapping[str, str]) -> list[int]:
    """Return the indices of the features that weigh most, and of those that do not fit."""
    told = live.info.get("feature_importances") or {}
    names = sorted(told, key=lambda name: -told[name])[:IMPORTANT]
    wrong = [name for name in problems if name not in names]
    index_of = {feature.name: index for index, feature in enumerate(live.schema.features)}
    found = [index_of[name] for name in (*wrong, *names) if name in index_of]
    return found or list(range(IMPORTANT))


def _control(
    index: int,
    feature: Feature,
    value: Any,
    histogram: Histogram | None,
    problems: Mapping[str, str],
) -> Control:
    control = Control(
        f"f{index}",
        feature.name,
        _look(feature),
        _shown(feature, value),
        feature.nullable,
        histogram=histogram,
        problem=problems.get(feature.name, ""),
    )
    if control.look == "number":
        return control._replace(
            minimum=feature.minimum, maximum=feature.maximum, step=_step(feature)
        )
    if control.look in ("choice", "typed"):
        return control._replace(choices=_choices(feature, control, histogram))
    return control


def _look(feature: Feature) -> Look:
    if feature.kind in ("number", "integer"):
        return "number"
    if feature.kind == "boolean":
        return "choice" if feature.nullable else "switch"
    if feature.kind == "category":
        return "choice" if _is_chosen(feature) else "typed"
    if feature.kind == "date" and _DAY.fullmatch(str(feature.example)):
        return "date"
    return "typed" if feature.kind == "date" else "text"


def _is_chosen(feature: Feature) -> bool:
    """Tell whether a category is chosen from a list; else it is typed."""
    return feature.kind == "category" and len(feature.categories) <= MOST_CHOICES


def _shown(feature: Feature, value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    if _is_chosen(feature) and value in feature.categories:
        return str(feature.categories.index(value))
    return str(value)


def _step(feature: Feature) -> float:
    """Return the step of a slider: 1, 2 or 5 times a power of ten, whole for whole numbers."""
    if feature.minimum is None or feature.maximum is None:
        return 1.0
    rough = (feature.maximum - feature.minimum) / STEPS
    if rough <= 0 or rough == float("inf"):
        return 1.0
    power = 10.0 ** len(str(int(rough))) / 10 if rough >= 1 else _below_one(rough)
    step = next((power * nice for nice in (1, 2, 5) if power * nice >= rough), power * 10)
    return max(1.0, step) if feature.kind == "integer" else step


def _below_one(rough: float) -> float:
    power = 1.0
    while power > rough and power > 1e-12:
        power /= 10
    return float(f"{power:.0e}")


def _choices(feature: Feature, control: Control, histogram: Histogram | None) -> list[Choice]:
    shares = histogram.shares if histogram is not None else {}
    if feature.kind == "boolean":
        return [Choice(v, v, v == control.value) for v in ("true", "false")]
    if control.look == "typed":
        return [Choice(name, name, False) for name in feature.categories[:MOST_LISTED]]
    return [
        Choice(str(index), name, str(index) == control.value, shares.get(index))
        for index, name in enumerate(feature.categories)
    ]


def _value(feature: Feature, text: str) -> Any:
    if feature.kind == "boolean":
        if not text:
            return None if feature.nullable else False
        return {"true": True, "on": True, "false": False}.get(text, text)
    if _is_chosen(feature):
        known = text.isascii() and text.isdigit() and int(text) < len(feature.categories)
        return feature.categories[int(text)] if known else (text or None)
    if feature.kind in ("number", "integer"):
        return _number(text.strip())
    return text if text or (feature.kind == "text" and not feature.nullable) else None


def _number(text: str) -> Any:
    if not text:
        return None
    if _WHOLE.fullmatch(text):
        return int(text)
    return float(text) if _NUMBER.fullmatch(text) and float(text) < float("inf") else text
