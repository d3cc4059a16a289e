"""A quick look at a persisted model: does it load, what matters to it, one prediction.

Not part of the tests: `python test_model.py [NAME]`.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from config import read_config
from errors import MiranteError
from persistence.model_persistence import Model, read_model
from persistence.opening import open_registry


def main(arguments: Sequence[str] | None = None) -> int:
    """Print what the model says; return 1, after one line, when there is no model to load."""
    parser = argparse.ArgumentParser(prog="test_model.py", description=main.__doc__)
    parser.add_argument("name", nargs="?", help="the model; default: the default one")
    parser.add_argument("--version", help="one of its versions; default: the champion")
    options = parser.parse_args(arguments)
    try:
        config = read_config(os.environ)
        registry = open_registry(**config.registry)
        model = read_model(options.name or config.default_model, registry, options.version)
        print(describe(model))
    except MiranteError as error:
        print(f"test_model: {error}", file=sys.stderr)
        return 1
    return 0


def describe(model: Model) -> str:
    """Return the importances, largest first, and the prediction for the signature's example."""
    own = model.info.get("feature_importances", {})
    shuffled = model.info.get("permutation_importances", {})
    found = own or {name: value["mean"] for name, value in shuffled.items()}
    width = max(map(len, found), default=0)
    row = model.schema.example
    predicted = model.predict([row])[0]
    return "\n".join(
        [
            f"{model.name} {model.version}: {model.info.get('model_name', 'an estimator')}",
            "",
            *(f"{name:<{width}}  {value:.4f}" for name, value in found.items()),
            "",
            f"{row}",
            f"{model.schema.target.name}: {predicted.value} ({predicted.probability:.3f})",
        ]
    )


if __name__ == "__main__":
    sys.exit(main())
