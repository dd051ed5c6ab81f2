"""What a clinician's chart offers: the portal's table against the node's own classification."""

import re

from pulsekey.portal.pages import STATIC
from pulsekey.signals.category import Category
from pulsekey.signals.classification import SENSITIVE, categories_of

SHARED = (STATIC / "shared.js").read_text("utf-8")
CHART = (STATIC / "pages" / "chart.js").read_text("utf-8")
ROW = re.compile(r"^  (\w+): (ANY|\[[^\]]*\]),$", re.MULTILINE)
ALWAYS = {*map(str, SENSITIVE), str(Category.UNCLASSIFIED)}


def test_the_table_of_types_says_what_the_node_says() -> None:
    rows = dict(ROW.findall(SHARED.partition("CATEGORIES = {")[2].partition("};")[0]))
    offered = re.findall(r'"(\w+)"', CHART.partition("TYPES = [")[2].partition("]")[0])
    assert len(offered) > len(rows) - 1
    assert set(rows) <= set(offered)
    for resource_type in offered:
        row = rows.get(resource_type, "[...CODED]")
        named = set(re.findall(r'"([\w-]+)"', row)) | (ALWAYS if "CODED" in row else set())
        expected = {str(one) for one in categories_of(resource_type)}
        assert (set(map(str, Category)) if row == "ANY" else named) == expected, resource_type
