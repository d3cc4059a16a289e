"""The first model of an empty store: the one that the build left in the slug, or one trained now.

gunicorn's master asks for it once, before a worker answers and before the port
is bound. A store that has a champion, of whatever model, is left alone.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path

from config import Config, read_config
from errors import MiranteError, StoreUnavailable
from persistence.copying import copy_champions, has_champion
from persistence.opening import open_registry
from persistence.registry import Registry
from recipes import recipe_names

HERE = Path(__file__).resolve().parent
# Where bin/post_compile leaves its model, and the file that says that it was there.
SLUG = HERE / "models"
BUILT = ".built"
# A dyno has to listen within 60 s. https://devcenter.heroku.com/articles/error-codes#r10-boot-timeout
SECONDS = 45.0
# A store elsewhere that does not answer within this is left alone.
LOOK_SECONDS = 10.0

Say = Callable[[str], object]


def provide_first_model(config: Config, say: Say) -> None:
    """See that an empty store gets a model; what was done, or what to do, is said in one line.

    Nothing is raised: a service without a model still says so, and can be trained.
    """
    try:
        registry = open_registry(**config.registry)
        if _is_wanted(config, registry):
            _provide(config, registry, say)
    except MiranteError as error:
        say(f"no first model: {error}")


def provide_elsewhere(say: Say) -> None:
    """Do the same in a process of its own, which ends before a dyno has to listen.

    A client of S3 that was used here would not survive the fork of the workers.
    """
    command = [sys.executable, str(HERE / "first_model.py")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        late = threading.Timer(SECONDS + LOOK_SECONDS, process.kill)
        late.start()
        for line in process.stdout or ():
            say(line.rstrip("\n"))
        late.cancel()


def main() -> int:
    """See to the first model of a store elsewhere, and print what is said of it."""
    try:
        config = read_config(os.environ)
        _await_answer(config)
        provide_first_model(config, partial(print, flush=True))
    except MiranteError as error:
        print(f"no first model: {error}", flush=True)
    return 0


def _await_answer(config: Config) -> None:
    """Raise StoreUnavailable if the store does not list its models in LOOK_SECONDS."""
    answered = threading.Event()

    def look() -> None:
        with suppress(MiranteError):  # which is said when it is asked again
            open_registry(**config.registry).names()
        answered.set()

    threading.Thread(target=look, daemon=True).start()
    if not answered.wait(LOOK_SECONDS):
        raise StoreUnavailable(f"the model store did not answer in {LOOK_SECONDS:g} s")


def _is_wanted(config: Config, registry: Registry) -> bool:
    """Say whether the store is this process's to fill, and empty."""
    # Models in a folder come by name; who cannot sign, or write, only reads.
    if config.models_folder or registry.signer is None or not _is_writable(config.store_address):
        return False
    return not has_champion(registry)


def _is_writable(address: str) -> bool:
    """Say whether a folder, or the nearest above it that is there, can be written; others can."""
    if "://" in address:
        return True
    folder = Path(address).absolute()
    while not folder.exists():
        folder = folder.parent
    return folder.is_dir() and os.access(folder, os.W_OK)


def _provide(config: Config, registry: Registry, say: Say) -> None:
    if (SLUG / BUILT).exists() and (copied := copy_champions(open_registry(str(SLUG)), registry)):
        say(f"the model store was empty: {', '.join(copied)} was copied from the slug")
        return
    if has_champion(registry):  # another process was filling it at the same time
        return
    name = config.default_model
    if name not in recipe_names() or config.training_worker == "external":
        # With a worker elsewhere, this process is not the one that trains.
        say(f"the model store is empty: python build_model.py, or POST /v0/train, for {name}")
        return
    say(f"the model store is empty: {name} is trained by its recipe")
    _train(name, say)


def _train(name: str, say: Say) -> None:
    """Train a recipe in a process of its own, which takes its memory with it when it ends."""
    words = [sys.executable, str(HERE / "build_model.py"), "--if-missing", "--recipe", name]
    try:
        done = subprocess.run(words, stdout=subprocess.DEVNULL, timeout=SECONDS, check=False)
    except subprocess.TimeoutExpired:
        say(f"no first model in {SECONDS:g} s: run python build_model.py, which has no such limit")
        return
    if done.returncode:
        say("no first model: the line of build_model above says why")


if __name__ == "__main__":
    sys.exit(main())
