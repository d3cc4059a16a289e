import pytest

from serving.pages.error_page import error_page
from serving.pages.language import CATALOGUES


@pytest.mark.parametrize(("status", "key_form"), [(401, True), (403, True), (404, False)])
def test_an_error_is_a_sentence_and_a_way_on(status, key_form):
    page = error_page(status, CATALOGUES["en"], "a-1")
    text = page.get_data(as_text=True)
    assert page.status_code == status
    assert CATALOGUES["en"](f"error_{status}") in text
    assert "<code>a-1</code>" in text
    assert 'href="/"' in text
    assert ('id="key-form"' in text) is key_form


def test_a_status_without_a_sentence_has_the_common_one():
    text = error_page(418, CATALOGUES["pt"]).get_data(as_text=True)
    assert "A requisição foi recusada." in text
