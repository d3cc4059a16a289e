import re

from serving.http.routes.links import LINKS
from tests.serving.pages.site import Site


def test_every_link_leads_to_a_route(tmp_path):
    site = Site(tmp_path)
    assert site.ask("/", "*/*").json == LINKS
    rules = {re.sub(r"<(\w+)>", r"{\1}", rule.rule) for rule in site.app.url_map.iter_rules()}
    assert set(LINKS.values()) <= rules
