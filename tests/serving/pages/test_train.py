import io

import pytest

from serving.auth import new_key
from serving.pages.language import CATALOGUES
from serving.pages.train import column_of
from tests.serving.pages.site import Site

EN, PT = CATALOGUES["en"], CATALOGUES["pt"]
TOKEN, KEY = new_key("trainer", ["train"])
TABLE = b"age;home;born;paid\n" + b"".join(
    b"%d;%s;0%d/01/2024;%s\n"
    % (20 + i, b"own" if i % 3 else b"rent", 1 + i % 9, b"yn"[i % 2 :][:1])
    for i in range(60)
)


@pytest.fixture
def site(tmp_path):
    return Site(tmp_path, API_KEYS=KEY.entry())


def described(site, data=TABLE, key=TOKEN, **fields):
    body = {"file": (io.BytesIO(data), "table.csv"), **fields}
    headers = {"X-API-Key": key} if key else {}
    return site.ask("/train/columns", method="POST", data=body, **headers)


def test_the_page_tells_nothing_of_what_is_inside_and_needs_no_key(tmp_path):
    site = Site(tmp_path, REQUIRE_API_KEY="1")
    page = site.ask("/train?name=mine")
    assert page.status_code == 200
    assert 'value="mine"' in page.text
    assert "64 MB at most" in page.text


def test_a_table_is_described_before_anything_is_learnt(site):
    page = described(site)
    assert page.status_code == 200, page.text
    assert "60 rows, 4 columns" in page.text
    assert "parted by &#34;;&#34;" in page.text
    assert '<option value="integer" selected>whole number</option>' in page.text
    assert "20 to 79" in page.text
    assert "own, rent" in page.text


def test_a_table_without_commas_is_not_said_to_be_parted_by_them(site):
    page = described(site, b"".join(b'{"a": %d, "b": "x"}\n' % i for i in range(20)))
    assert "20 rows, 2 columns</p>" in page.text
    assert "parted by" not in page.text


def test_the_target_says_what_it_is(site):
    assert "A class, one of 2: n, y" in described(site, target="paid").text
    assert "A quantity" in described(site, target="age").text


def test_a_kind_can_be_corrected(site):
    page = described(site, kinds='{"age": "category"}')
    chosen = page.text.split('data-kind="age"')[1].split("</select>")[0]
    assert '<option value="category" selected>' in chosen


@pytest.mark.parametrize("data", [b"", b"%PDF-1.7 nothing", b"a,b\n1,2,3\n"])
def test_a_table_that_cannot_be_read_says_why(site, data):
    page = described(site, data)
    assert page.status_code == 200
    assert "The table cannot be read so:" in page.text


def test_a_target_that_is_not_there_says_so(site):
    assert "cannot be read so" in described(site, target="<b>").text
    assert "<b>" not in described(site, target="<b>").text


def test_names_and_words_of_a_table_are_escaped(site):
    data = b"<script>alert(1)</script>,b\n" + b"<i>x</i>,1\n<i>y</i>,2\n" * 20
    text = described(site, data).text
    assert "<script>alert" not in text
    assert "<i>x" not in text


def test_it_takes_a_key_that_may_train(site):
    assert described(site, key="").status_code == 401
    assert described(site, key="nonsense").status_code == 401


def test_what_was_seen_is_said_in_the_language_of_the_page():
    seen = column_of({"name": "a", "kind": "number", "minimum": 0.5, "maximum": 9e3}, PT).seen
    assert seen == "0,5 a 9000"
    many = {"name": "a", "kind": "category", "categories": list("abcdefgh"), "nullable": True}
    assert column_of({**many, "number_of_categories": 30}, EN).seen == (
        "a, b, c, d, e, f and 24 more; missing"
    )
    assert column_of({"name": "a", "left_out": "it is constant"}, EN).notes == ["it is constant"]
