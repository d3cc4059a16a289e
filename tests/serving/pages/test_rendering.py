import jinja2
import pytest

from serving.pages import rendering
from serving.pages.language import CATALOGUES


def test_what_a_stranger_wrote_is_escaped():
    values = {"language": "en", "tab": "", "status": 1, "sentence": "<b>'\"&", "request_id": "<i>"}
    html = rendering.render("error.html", CATALOGUES["en"], values)
    assert "&lt;b&gt;&#39;&#34;&amp;" in html
    assert "<i>" not in html


def test_a_gap_that_nothing_fills_is_an_error():
    with pytest.raises(jinja2.UndefinedError):
        rendering.render("error.html", CATALOGUES["en"], {})


def test_no_template_says_that_something_is_safe():
    for path in rendering.FOLDER.glob("*.html"):
        assert "|safe" not in path.read_text().replace(" ", ""), path.name
