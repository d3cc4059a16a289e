"""One training run, from a table to a registered version; and its command line."""

from __future__ import annotations

import argparse
import os
import re
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast, get_args
from unicodedata import combining, normalize
from urllib.parse import urlsplit

if __name__ == "__main__":
    from learning.processors import let_threads_rest

    let_threads_rest()  # before a library that has threads is loaded

import msgspec

from config import MEBIBYTE, read_config
from errors import ArtifactError, MiranteError, ModelUnknown, RecipeError
from import_model import TARGET, import_model
from jobs.memory import memory_left
from learning import curves, histograms, learnt_rows, profile, quality, shown_rows
from learning.beyond.engine import Engine
from learning.beyond.engines import open_engine
from learning.beyond.learning import learn_in_parts
from learning.compile.compilation import compile
from learning.estimators import DEFAULT as ESTIMATOR
from learning.estimators import estimators, ready_made
from learning.evaluation import evaluate
from learning.explanation import Made, explanation_of
from learning.imports.recognition import KNOWN
from learning.imputation import imputes
from learning.inspection import inspect_estimator
from learning.intervals import INTERVALS, Intervals
from learning.learnt import Learnt
from learning.prediction import Outputs, Runtime
from learning.progress import Progress, SilentProgress, progress_on
from learning.recipe import Recipe, check_name, check_seed
from learning.tasks import read_target, task_names, task_of
from learning.trained import TrainedModel, trained_model
from learning.training import Choice, choose, fit, notes_of
from monitor import open_replays
from monitoring.replay import Contestant, Replays
from monitoring.replay_verdict import weigh
from persistence import promotion
from persistence.model_persistence import read_model, write_model
from persistence.opening import open_registry
from persistence.promotion import Verdict, judge, settle
from persistence.registry import Registry
from policy import DEFAULT_PROMOTION, LESS_MEMORY, PROMOTIONS, Promotion
from recipes import DEFAULT, find_recipe, recipe_names
from tables.dataset import Dataset, read_dataset
from tables.description import Description, describe
from tables.field_aliases import with_field_aliases
from tables.overrides import Overrides
from tables.schema import Feature, Kind
from tables.split import how_split, split

MADE_BY = "for --import of a pickle: scikit-learn==VERSION or skrub==VERSION, to read it by"
# What a shell calls the end of a process by Ctrl-C.
INTERRUPTED = 130
# The report lists so many importances, and so many categories of a feature.
MOST_LISTED = 20
MOST_CATEGORIES = 6


@dataclass(frozen=True)
class Built:
    """What a training run made; `verdict` says whether it became the champion, and why."""

    name: str
    version: str
    model: TrainedModel
    dataset: Dataset
    holdout: Dataset
    choice: Choice
    verdict: Verdict
    rows: int

    @property
    def metrics(self) -> Mapping[str, Any]:
        """The metrics on the hold-out."""
        return self.model.metrics


def build_model(
    recipe: Recipe,
    *,
    registry: Registry,
    name: str | None = None,
    parameters: Mapping[str, Any] | None = None,
    seed: int = 0,
    promote: Promotion = DEFAULT_PROMOTION,
    progress: Progress | None = None,
    replays: Replays | None = None,
    engine: Engine | None = None,
) -> Built:
    """Learn a model, register it as challenger, and promote it if the rule lets it.

    `name` is the model's, the recipe's own unless given; `replays` let it answer what was
    logged, and an `engine` learns from the table in parts. An exception out of `progress` ends
    the run, and nothing is registered before the last stage.
    Raises RecipeError, DatasetError, DependencyError, AccessError, StoreUnavailable.
    """
    progress = progress or SilentProgress()
    name, resolved = check_name(name or recipe.name), recipe.resolved(parameters or {})
    check_seed(seed)
    registry.champion(name)  # a store that cannot be read is found out before the work

    learnt = learn(recipe, resolved, seed, progress, engine)
    estimator, choice, dataset, train, holdout = learnt[:5]

    progress.stage("evaluate")
    found = evaluate(estimator, train, holdout, seed)
    if found.note:
        progress.note(found.note)
        dataset, holdout = (each.noting(found.note) for each in (dataset, holdout))
    info = inspect_estimator(estimator, dataset.schema, holdout, seed) | found.info

    progress.stage("compile")
    if imputes(estimator, dataset.schema, train.batch):
        dataset, train, holdout = (each.that_imputes() for each in (dataset, train, holdout))
    compiled = compile(estimator, dataset.schema, [train.batch, holdout.batch], seed)

    progress.stage("compare")
    verdict = judge(registry, name, promote, holdout, compiled.runtime, seed).noting(found.note)
    verdict = weigh(
        verdict, promote, replays, name, challenger_of(train, compiled.runtime, learnt.seen)
    )

    progress.stage("register")
    origin = origin_of(recipe, resolved, seed, learnt) | {"holdout": learnt.held}
    origin |= {"cross_validated_log_losses": choice.losses, "comparison": verdict.comparison}
    beside = looked_into(recipe, estimator, compiled.runtime, train, holdout, info, seed)
    info |= {"holdout": learnt.held} | beside.info
    model = trained_model(compiled, holdout, found.metrics, info, origin)
    model = completed(model, recipe, learnt.rows, {**beside.members, **learnt.seen})
    with uninterrupted():
        version = write_model(registry, name, model)
        verdict = settle(registry, name, version, verdict)
    return Built(name, version, model, dataset, holdout, choice, verdict, learnt.table_rows)


def completed(
    model: TrainedModel, recipe: Recipe, rows: int, members: Mapping[str, bytes]
) -> TrainedModel:
    """Return the model with the rows it learnt, its recipe's protocols, and more members."""
    members = {**model.members, **members}
    return replace(model, training_rows=rows, protocols=recipe.protocols, members=members)


def challenger_of(train: Dataset, runtime: Runtime, seen: Mapping[str, bytes]) -> Contestant:
    """Return a model that is not registered yet, as a replay takes it."""
    return Contestant("the new one", train.schema, runtime, seen)


def looked_into(
    recipe: Recipe,
    estimator: Any,
    runtime: Runtime,
    train: Dataset,
    holdout: Dataset,
    info: Mapping[str, Any],
    seed: int,
) -> Made:
    """Return what an artifact keeps so that the model can be looked into, and what is told."""
    why = explanation_of(estimator, runtime, train, holdout, seed, recipe.background)
    outputs = runtime.outputs(holdout.batch)
    seen = profile.profile_of(train, holdout, outputs)
    found = curves.curves_of(runtime, train, holdout, info["permutation_importances"], seed)
    members = {**profile.dump(seen), **curves.dump(found)}
    return Made(
        {**why.members, **members, **drawn(recipe, train, holdout, outputs, info)}, why.info
    )


def drawn(
    recipe: Recipe, train: Dataset, holdout: Dataset, outputs: Outputs, info: Mapping[str, Any]
) -> dict[str, bytes]:
    """Return what an artifact keeps for pages: rows stand there only where the recipe lets them."""
    kept = info.get(INTERVALS)
    intervals = msgspec.convert(kept, Intervals) if kept else None
    rows = shown_rows.shown_rows_of(holdout, outputs) if recipe.show_rows else None
    return {
        **quality.dump(quality.quality_of(holdout, outputs, intervals)),
        **histograms.dump(histograms.histograms_of(train)),
        **shown_rows.dump(rows),
    }


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Let a Ctrl-C come too late: a version is registered and settled whole, or not at all."""
    if threading.current_thread() is not threading.main_thread():
        yield  # where no signal is handled
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def learn(
    recipe: Recipe,
    resolved: Mapping[str, Any],
    seed: int,
    progress: Progress,
    engine: Engine | None = None,
) -> Learnt:
    """Learn from a recipe's table, in parts where there is an engine. Raises DatasetError."""
    if engine is not None:
        learnt = learn_in_parts(recipe, resolved, engine, seed, progress)
        train, holdout = (as_said(recipe, one) for one in (learnt.train, learnt.holdout))
        return learnt._replace(dataset=train, train=train, holdout=holdout)
    dataset = read(recipe, progress)
    strata = task_of(dataset.schema.target).strata(dataset.target)
    train, holdout = split(dataset, seed, strata=strata)
    held = how_split(dataset, holdout)

    choice = choose(recipe.make(dataset.schema, seed, resolved), train, progress)
    estimator = fit(choice.estimator, train, progress)
    choice = choice.told_by(estimator)
    dataset = replace(dataset, notes=(*dataset.notes, *notes_of(estimator)))
    sides = dataset, train, holdout
    seen, rows = learnt_rows.dump(train.batch), (train.rows, dataset.rows)
    return Learnt(estimator, choice, *sides, held, *rows, dataset.digest, seen)


def read(recipe: Recipe, progress: Progress) -> Dataset:
    """Read a recipe's table, and say what its owner should know. Raises DatasetError."""
    progress.stage("read")
    dataset = read_dataset(recipe.table(), recipe.target, **reading_of(recipe))
    for note in dataset.notes:
        progress.note(note)
    return as_said(recipe, dataset)


def as_said(recipe: Recipe, dataset: Dataset) -> Dataset:
    """Return a dataset with what a recipe says of its columns. Raises DatasetError."""
    if recipe.field_aliases:
        schema = with_field_aliases(dataset.schema, recipe.field_aliases)
        dataset = replace(dataset, schema=schema)
    dataset = dataset.in_unit(recipe.unit) if recipe.unit else dataset
    return dataset.logging(recipe.log) if recipe.log else dataset


def reading_of(recipe: Recipe) -> dict[str, Any]:
    """Return how a recipe's table is read, as `read_dataset` and `describe` take it."""
    return {
        "aliases": recipe.aliases,
        "kinds": recipe.kinds,
        "read_target": read_target(recipe.task),
        "merge_rare": recipe.merge_rare,
        "group": recipe.group,
        "time": recipe.time,
    }


def origin_of(
    recipe: Recipe, parameters: Mapping[str, Any], seed: int, learnt: Learnt
) -> dict[str, Any]:
    """Return what the model was learnt from; the same again makes the same model."""
    return {
        "recipe": recipe.name,
        "parameters": parameters,
        "seed": seed,
        "data": learnt.digest,
        "holdout_rows": learnt.holdout.rows,
        "notes": learnt.dataset.notes,
    }


# ---------------------------------------------------------------- the command line


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code; a fault that is known is one line."""
    options = parse(arguments)
    try:
        config = read_config(os.environ)
        if options.describe:
            return describe_file(options)
        registry = open_registry(**config.registry)
        if options.card:
            print(card(registry, options), end="")
            return 0
        if options.promote_version:
            return promote_version(registry, options)
        if options.file:
            return import_file(registry, options)
        if options.if_missing and is_there(registry, options.name or chosen_recipe(options).name):
            return 0
        built = run(registry, options)
    except Exception as error:
        print(f"build_model: {in_one_line(error)}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("build_model: interrupted", file=sys.stderr)
        return INTERRUPTED
    print(as_json(built) if options.json else report(built, shown_store(config.model_store)))
    return 0


def in_one_line(error: Exception) -> str:
    """Return the line of a fault that is known; one that is not is raised again."""
    from jobs.child import is_want_of_memory

    if isinstance(error, MiranteError):
        return str(error)
    if is_want_of_memory(error):
        return f"there is too little memory: {LESS_MEMORY}"
    raise error


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(
        prog="build_model.py", description="Learn a model and register it as a new version."
    )
    add = parser.add_argument
    add("--recipe", metavar="NAME", help=f"one of {', '.join(recipe_names())}; default {DEFAULT}")
    add(
        "--data",
        metavar="FILE",
        help="learn from this table, with --target or a --recipe's label; "
        "a folder, a pattern or s3://bucket/part-*.parquet is one table in parts",
    )
    add("--describe", metavar="FILE", help="say how this table would be read; learn nothing")
    add("--target", metavar="COLUMN", help="the column to predict")
    add("--name", help="the model's name; default: the recipe's, or the table's file name")
    add(
        "--estimator",
        choices=list(estimators()),
        help=f"for --data without a recipe; default {ESTIMATOR}",
    )
    add("--set", metavar="NAME=VALUE", action="append", default=[], help="set a parameter")
    add("--task", choices=task_names(), help="what the target is; default: what it looks like")
    add("--seconds", type=int, help="how long `auto` may learn; default 60")
    add("--seed", type=int, default=0, help="of the hold-out and the estimator; default 0")
    add(
        "--promote",
        choices=PROMOTIONS,
        default=DEFAULT_PROMOTION,
        help=f"default {DEFAULT_PROMOTION}",
    )
    add("--promote-version", metavar="VERSION", help="promote a version of --name; learn nothing")
    add("--if-missing", action="store_true", help="do nothing where a champion can be loaded")
    add_import(parser.add_argument_group("models made elsewhere").add_argument)
    add_overrides(parser.add_argument_group("how the table is read").add_argument)
    add_beyond(parser.add_argument_group("tables beyond memory").add_argument)
    add_pages(parser.add_argument_group("what is shown").add_argument)
    return parser.parse_args(arguments)


def add_import(add: Callable[..., Any]) -> None:
    """Add the options that take in a model made elsewhere."""
    add("--import", dest="file", metavar="FILE", help=f"take in a model: {KNOWN}")
    add("--schema", metavar="FILE", help="for --import: an example row (.json) or table (.csv)")
    add(
        "--classes",
        metavar="CLASS",
        nargs="+",
        default=[],
        help="for --import: what the file does not name",
    )
    add("--with", dest="made_by", metavar="PACKAGE", default="", help=MADE_BY)
    add("--i-trust-this-file", action="store_true", help="let --import read a pickle")


def add_overrides(add: Callable[..., Any]) -> None:
    """Add the options that say how a table is read."""
    kinds = ", ".join(get_args(Kind))
    add(
        "--kind", metavar="COLUMN=KIND", action="append", default=[], help=f"of {kinds}; repeatable"
    )
    add("--decimal", choices=(".", ","), help="the sign before a fraction, if unclear")
    add(
        "--missing",
        metavar="WORD",
        action="append",
        default=[],
        help="a word that means a missing value in any column; repeatable",
    )
    add("--sheet", metavar="NAME", help="the sheet of a workbook; default: the first not empty")
    add("--skip-bad-lines", action="store_true", help="leave out lines that do not fit the header")
    add("--merge-rare", metavar="NAME", help="merge classes of too few rows into one of this name")
    add("--group", metavar="COLUMN", help="rows of one value in it are never learnt and held out")
    add("--time", metavar="COLUMN", help="hold out the latest rows by this column")


def add_beyond(add: Callable[..., Any]) -> None:
    """Add the options for tables that do not fit into memory."""
    # --data may then be a folder, a pattern, or s3://bucket/part-*.parquet.
    add("--in-parts", action="store_true", help="learn in parts; default: where it does not fit")
    add("--memory", metavar="MIB", type=int, help="what learning may take; default: what is left")
    add("--scheduler", metavar="ADDRESS", default="", help="learn on this cluster of Dask's")
    add("--workers", metavar="N", type=int, default=0, help="learn in so many processes of Dask's")


def add_pages(add: Callable[..., Any]) -> None:
    """Add the options that say what is shown of a model."""
    add("--json", action="store_true", help="print metrics and version as JSON, and nothing else")
    add("--show-rows", action="store_true", help="let pages show some rows of the hold-out")
    add("--card", metavar="NAME", help="print the card of a model's champion; learn nothing")
    add("--markdown", action="store_true", help="for --card: Markdown, not HTML")
    add("--lang", choices=("en", "pt"), default="en", help="for --card: its language; default en")


def run(registry: Registry, options: argparse.Namespace) -> Built:
    """Do the training run that the command line asks for."""
    recipe = chosen_recipe(options)
    recipe = replace(recipe, show_rows=may_show_rows(recipe, options))
    silent: AbstractContextManager[Progress] = nullcontext(SilentProgress())
    shown = silent if options.json else progress_on(sys.stderr)
    with shown as progress, engine_of(recipe, options) as engine:
        return build_model(
            recipe,
            registry=registry,
            name=options.name,
            parameters=given_parameters(options.set) | given_seconds(options),
            seed=options.seed,
            promote=options.promote,
            progress=progress,
            replays=open_replays(read_config(os.environ), registry),
            engine=engine,
        )


def engine_of(recipe: Recipe, options: argparse.Namespace) -> AbstractContextManager[Engine | None]:
    """Give what learns from the recipe's table in parts, None where it fits into memory."""
    config = read_config(os.environ)
    memory = options.memory * MEBIBYTE if options.memory else memory_left(bool(config.dyno))
    return open_engine(recipe.load, memory, in_parts=options.in_parts, options=config.store_options)


def may_show_rows(recipe: Recipe, options: argparse.Namespace) -> bool:
    """Tell whether pages may show rows: a recipe's word is for its own table, not for another."""
    return bool(options.show_rows) or (recipe.show_rows and not options.data)


def import_file(registry: Registry, options: argparse.Namespace) -> int:
    """Import a model made elsewhere; one named like a recipe has its target and protocols."""
    name = options.name or name_of(options.file)
    recipe = find_recipe(name) if name in recipe_names() else None
    imported = import_model(
        options.file,
        registry=registry,
        name=name,
        schema=options.schema,
        target=options.target or (recipe.target if recipe else TARGET),
        trusted=options.i_trust_this_file,
        protocols=recipe.protocols if recipe else (),
        promote=options.promote,
        classes=options.classes,
        made_by=options.made_by,
    )
    print(imported.as_json() if options.json else imported.report())
    return 0


def is_there(registry: Registry, name: str) -> bool:
    """Tell whether the model has a champion that this process can load."""
    try:
        read_model(name, registry)
    except (ArtifactError, ModelUnknown):
        return False
    return True


def chosen_recipe(options: argparse.Namespace) -> Recipe:
    """Return the recipe that the options name or describe. Raises RecipeError."""
    if options.estimator and (options.recipe or not options.data):
        raise RecipeError("--estimator goes with --data; a recipe has its own")
    if options.recipe or not options.data:
        recipe = find_recipe(options.recipe or DEFAULT)
        if options.data:
            recipe = replace(recipe, load=options.data)
        recipe = replace(recipe, target=options.target or recipe.target)
        return recipe.overridden(overrides_of(options))
    if not options.target:
        raise RecipeError("--data needs --target: the column to predict")
    name = options.name or name_of(options.data)
    recipe = ready_made(name, options.data, options.target, options.estimator or ESTIMATOR)
    return recipe.overridden(overrides_of(options))


def overrides_of(options: argparse.Namespace) -> Overrides:
    """Return how the options say that the table is read. Raises RecipeError."""
    return Overrides(
        kinds=given_kinds(options.kind),
        decimal=options.decimal,
        missing=tuple(options.missing),
        sheet=options.sheet,
        skip_bad_lines=options.skip_bad_lines,
        merge_rare=options.merge_rare,
        group=options.group,
        time=options.time,
        task=options.task,
    )


def given_kinds(settings: Sequence[str]) -> dict[str, Kind]:
    """Return `--kind` options as a dict. Raises RecipeError for a kind that is none."""
    kinds: dict[str, Kind] = {}
    for setting in settings:
        # A column's name may have an equals sign; a kind has none.
        column, _, kind = setting.rpartition("=")
        if not column or kind not in get_args(Kind):
            raise RecipeError(f"--kind takes COLUMN=KIND, a kind being {', '.join(get_args(Kind))}")
        kinds[column] = cast(Kind, kind)
    return kinds


def describe_file(options: argparse.Namespace) -> int:
    """Say how a table would be read."""
    options.data = options.describe
    recipe = ready_made(options.name or "described", options.data, options.target or "")
    if options.recipe:
        recipe = replace(find_recipe(options.recipe), load=options.data)
        recipe = replace(recipe, target=options.target or recipe.target)
    found = description_of(recipe.overridden(overrides_of(options)))
    print(shown(found.document()) if options.json else found.report())
    return 0


def description_of(recipe: Recipe) -> Description:
    """Return how a recipe's table is read; without a target, all columns as features."""
    return describe(recipe.table(), recipe.target or None, **reading_of(recipe))


def name_of(path: str) -> str:
    """Return the model's name that a file's name makes. Raises RecipeError if it makes none."""
    letters = [c for c in normalize("NFKD", Path(path).stem.lower()) if not combining(c)]
    name = re.sub(r"[^a-z0-9_-]+", "-", "".join(letters)).strip("-_")[:64]
    if not name:
        raise RecipeError("the table's file name makes no model's name: give one with --name")
    return name


def given_parameters(settings: Sequence[str]) -> dict[str, str]:
    """Return `--set` options as a dict. Raises RecipeError for one without an equals sign."""
    pairs = [setting.partition("=") for setting in settings]
    if not all(sign for _, sign, _ in pairs):
        raise RecipeError("--set takes NAME=VALUE, such as --set n_estimators=50")
    return {name.strip(): value.strip() for name, _, value in pairs}


def given_seconds(options: argparse.Namespace) -> dict[str, str]:
    """Return `--seconds` as the parameter that it is."""
    return {} if options.seconds is None else {"seconds": str(options.seconds)}


def card(registry: Registry, options: argparse.Namespace) -> str:
    """Return the card of a model's champion. Raises ModelUnknown and the ArtifactErrors."""
    from serving.pages.card import card_html  # what learning does without
    from serving.pages.card_markdown import card_markdown
    from serving.pages.language import CATALOGUES

    alias = registry.champion(options.card)
    if alias is None:
        raise ModelUnknown("no model of that name has a champion")
    make = card_markdown if options.markdown else card_html
    return make(registry.show(options.card, alias.version), CATALOGUES[options.lang])


def promote_version(registry: Registry, options: argparse.Namespace) -> int:
    """Promote a version that is registered already."""
    name = options.name or options.recipe or DEFAULT
    alias = promotion.promote(registry, name, options.promote_version)
    print(f"{alias.name} {alias.version} is the champion")
    return 0


# ---------------------------------------------------------------- what is printed


def as_json(built: Built) -> str:
    """Return the metrics, and what became of the model, as one JSON object."""
    model = built.model
    document = {
        **model.metrics,
        "model": {
            "name": built.name,
            "version": built.version,
            "promoted": built.verdict.good,
            "reason": built.verdict.reason,
            "comparison": built.verdict.comparison,
        },
        "rows": built.rows,
        "holdout_rows": built.holdout.rows,
        "features": {f.name: f.kind for f in model.schema.features},
        "notes": built.dataset.notes,
        "cross_validated_log_losses": built.choice.losses,
        "info": model.info,
        "runtime": model.runtime,
    }
    return shown(document)


def shown(document: Mapping[str, Any]) -> str:
    """Return a document as JSON that people can read."""
    return msgspec.json.format(msgspec.json.encode(document)).decode()


def report(built: Built, store: str) -> str:
    """Return the table that ends a training run."""
    model, target = built.model, built.model.schema.target
    task = task_of(target)
    lines = [
        f"{built.name} {built.version}",
        "",
        _line("rows", f"{model.training_rows} to learn from, {_held(model)}"),
        _line("label", task.describe(target)),
        _line("features", str(len(model.schema.features))),
        _line("estimator", model.info["model_name"]),
        _line("runtime", _runtime(model)),
        _line("store", store),
        _line("champion", _champion(built)),
        *(_line("note", note) for note in built.dataset.notes),
        *(
            _line("tried", f"{name}, {task.loss_name} {loss:.4f} in cross-validation")
            for name, loss in built.choice.losses.items()
        ),
        "",
        *_features(model.schema.features),
        "",
        *task.report(model.metrics, target),
        "",
        *_importances(model.info),
    ]
    return "\n".join(lines)


def shown_store(url: str) -> str:
    """Return where models are kept without the secrets that an address may carry."""
    if "://" not in url:
        return url
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.hostname or ''}{parts.path}"


def _line(head: str, text: str) -> str:
    return f"{head:<12}{text}"


def _held(model: TrainedModel) -> str:
    held = model.info["holdout"]
    how = {
        "chance": "",
        "group": f", groups of {held.get('column')} whole",
        "time": f", those from {held.get('from')} on by {held.get('column')}",
    }
    return f"{held['rows']} held out{how[held['by']]}"


def _runtime(model: TrainedModel) -> str:
    if model.parity is None:
        return f"{model.runtime_name}; not compiled: {model.reason}"
    rows, largest = model.parity["rows"], model.parity["largest_difference"]
    return f"{model.runtime_name}, off by {largest:.0e} at most on {rows} rows"


def _champion(built: Built) -> str:
    if built.verdict.good:
        return f"yes: {built.verdict.reason}"
    command = f"python build_model.py --name {built.name} --promote-version {built.version}"
    return f"no: {built.verdict.reason}; to promote it: {command}"


def _features(features: Sequence[Feature]) -> list[str]:
    width = max(len(feature.name) for feature in features)
    return [f"{f.name:<{width}}  {f.kind:<8}  {_values(f)}".rstrip() for f in features]


def _values(feature: Feature) -> str:
    missing = ", or missing" if feature.nullable else ""
    if feature.minimum is not None:
        return f"{feature.minimum:g} to {feature.maximum:g}{missing}"
    if feature.dates is not None:
        return f"{feature.dates.first} to {feature.dates.last}{missing}"
    if feature.kind == "boolean":
        return f"false, true{missing}"
    more = len(feature.categories) - MOST_CATEGORIES
    shown = ", ".join(feature.categories[:MOST_CATEGORIES])
    return shown + (f" and {more} more" if more > 0 else "") + missing


def _importances(info: Mapping[str, Any]) -> list[str]:
    """Return a line a feature: what shuffling it costs in loss, and the estimator's own say."""
    shuffled, own = info["permutation_importances"], info.get("feature_importances", {})
    width = max(map(len, shuffled))
    lines = [f"{'importance of':<{width}}   shuffled (std)     own"]
    for name, found in list(shuffled.items())[:MOST_LISTED]:
        said = f"{own[name]:>8.4f}" if name in own else ""
        lines.append(f"{name:<{width}}  {found['mean']:>8.4f} ({found['std']:.4f}){said}")
    more = len(shuffled) - MOST_LISTED
    return lines + ([f"and {more} more"] if more > 0 else [])


if __name__ == "__main__":
    sys.exit(main())
