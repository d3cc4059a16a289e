"""The pages under Flask: which there are, in which language, for whom, and errors as pages.

The rule for the OpenAPI document stands here: what a page answers is HTML for people, not an
operation, so no rule of this blueprint is listed. A page at an operation's address (`TWINS`) is
the answer to who asks for HTML; the operation answers all others, and is listed.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import msgspec
from flask import Blueprint, Response, request

from serving.auth import Guard
from serving.http.access import check_key, check_prediction
from serving.pages import static_files
from serving.pages.data import PAGE as DATA
from serving.pages.error_page import error_page
from serving.pages.index import PAGE as INDEX
from serving.pages.jobs import JOB, JOBS
from serving.pages.language import CATALOGUES, CHOICE, Catalogue, language_of
from serving.pages.model import PAGE as MODEL
from serving.pages.negotiation import wants_page
from serving.pages.page import Page, Place, Visit
from serving.pages.quality import PAGE as QUALITY
from serving.pages.rendering import HEADERS, HTML, render
from serving.pages.train import COLUMNS, TRAIN
from serving.pages.versions import PAGE as VERSIONS
from serving.problems import PROBLEM

NAME = "pages"
# Pages at the addresses of operations, by the operation's endpoint.
TWINS: Mapping[str, Page] = {"links.links": INDEX, "sagemaker.model": MODEL}
# Pages with addresses of their own: a page is one more name here.
PAGES: tuple[Page, ...] = (
    MODEL._replace(rule="/models/<name>/form", methods=("GET", "POST")),
    QUALITY,
    DATA,
    VERSIONS,
    TRAIN,
    COLUMNS,
    JOBS,
    JOB,
)
UPLOAD = "multipart/form-data"
A_YEAR = 365 * 24 * 3600
FOREVER = f"public, max-age={A_YEAR}, immutable"
# Kept by the browser, asked for again, with the tag; not kept by what stands between.
AGAIN = "private, no-cache"
VARY = ("Accept", "Accept-Language", "Cookie", "X-API-Key", "Authorization")


def pages_blueprint(place: Place, guard: Guard) -> Blueprint:
    """Return the blueprint of the pages and of the files beside them."""
    blueprint = Blueprint(NAME, __name__)
    for page in PAGES:
        view = partial(_answer, place, guard, page)
        endpoint = f"{page.template.partition('.')[0]}_{'_'.join(page.methods).lower()}"
        blueprint.add_url_rule(page.rule, endpoint, view, methods=list(page.methods))
    blueprint.add_url_rule(f"{static_files.PREFIX}<file>", "file", _file)
    blueprint.before_app_request(partial(_answer_twin, place, guard))
    blueprint.after_app_request(_for_people)
    return blueprint


def is_page(endpoint: str) -> bool:
    """Tell whether an endpoint is a page's, or a file's beside it, and so no operation."""
    return endpoint.startswith(f"{NAME}.")


def _answer_twin(place: Place, guard: Guard) -> Response | None:
    page = TWINS.get(request.endpoint or "")
    if page is None or request.method not in ("GET", "HEAD") or not _is_browser():
        return None
    return _answer(place, guard, page, **(request.view_args or {}))


def _answer(place: Place, guard: Guard, page: Page, **named: str) -> Response:
    words = _words()
    if page.key or (place.closed and not page.open):
        if not ({"Authorization", "X-Api-Key"} & set(dict(request.headers))):
            # To show none is no failure to be counted: no browser sends one by itself.
            why = {"why": words("key_why_train" if page.key else "key_why")}
            return _page(render("key.html", words, {**_frame(words, page.tab), **why}), 401)
        check_key(guard, page.key) if page.key else check_prediction(guard)
    visit = Visit(
        place=place,
        words=words,
        path=request.path,
        base=request.host_url.rstrip("/"),
        query=request.args.to_dict(),
        form=None if request.method == "GET" or request.mimetype == UPLOAD else request.get_data(),
        **named,
    )
    shown = render(page.template, words, {**_frame(words, page.tab), **page.context(visit)})
    return _page(shown)


def _page(html: str, status: int = 200) -> Response:
    response = Response(html, status)
    response.headers["Content-Type"] = HTML
    return response


def _file(file: str) -> Response:
    found = static_files.files().get(file)
    if found is None:
        return error_page(404, _words())
    accepts = "gzip" in request.headers.get("Accept-Encoding", "")
    response = Response(found.packed if accepts else found.body)
    response.headers["Content-Type"] = found.media
    response.headers["Cache-Control"] = FOREVER
    response.headers["Vary"] = "Accept-Encoding"
    response.set_etag(file)
    if accepts:
        response.headers["Content-Encoding"] = "gzip"
    response.make_conditional(request)
    return response


def _for_people(response: Response) -> Response:
    """Turn an error that a browser would show into a page, and finish a page."""
    if request.endpoint in TWINS:
        response.vary.update(VARY[:1])
    if _is_browser() and response.mimetype == PROBLEM.decode():
        problem = msgspec.json.decode(response.get_data())
        page = error_page(response.status_code, _words(), problem.get("request_id", ""))
        response.set_data(page.get_data())
        response.headers["Content-Type"] = HTML
        _finish(response)
    elif response.headers.get("Content-Type") == HTML and _is_ours():
        _finish(response)
    return response


def _is_ours() -> bool:
    return request.blueprint == NAME or request.endpoint in TWINS


def _finish(response: Response) -> None:
    response.headers.update(HEADERS)
    response.vary.update(VARY)
    response.headers["Cache-Control"] = AGAIN
    chosen = request.args.get(CHOICE)
    if chosen in CATALOGUES:
        response.set_cookie(CHOICE, str(chosen), A_YEAR, httponly=True, samesite="Lax")
    if response.status_code == 200 and request.method != "POST":
        response.add_etag()
        response.make_conditional(request)


def _is_browser() -> bool:
    return wants_page(request.headers.get("Accept"))


def _words() -> Catalogue:
    chosen = (request.args.get(CHOICE), request.cookies.get(CHOICE))
    return CATALOGUES[language_of(chosen, request.headers.get("Accept-Language"))]


def _frame(words: Catalogue, tab: str) -> dict[str, Any]:
    return {"language": words.language, "tab": tab}
