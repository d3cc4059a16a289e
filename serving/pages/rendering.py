"""Templates and what they may call; a page's text is escaped wherever it comes from."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from serving.pages import static_files
from serving.pages.language import LANGUAGES, Catalogue

FOLDER = Path(__file__).parent / "templates"
# Scripts and styles are files of ours; a stranger's words in a page cannot be run.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    # A form then says where it comes from, and no other site learns of a page.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}
HTML = "text/html; charset=utf-8"


@cache
def environment() -> Environment:
    """Return the templates."""
    made = Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    made.globals |= {"address": static_files.address, "languages": LANGUAGES}
    return made


def render(template: str, words: Catalogue, values: Mapping[str, Any]) -> str:
    """Return a template's HTML; in it `t` is the catalogue, `number` and the like its figures."""
    told = {"t": words, "number": words.number, "percent": words.percent, "fixed": words.fixed}
    return environment().get_template(template).render({**told, **values})
