"""One node a module, one browser a module, people with devices of their own."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from playwright.sync_api import Browser

from pulsekey.portal.pages import pages
from tests.browser.visitor import Visitor, launched, visiting
from tests.fakes.node_clinic import Clinic, opened_clinic
from tests.fakes.node_http import Site, served

NewVisitor = Callable[..., Visitor]


@pytest.fixture(scope="module")
def clinic(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clinic]:
    with opened_clinic(tmp_path_factory.mktemp("clinic") / "home") as opened:
        yield opened


@pytest.fixture(scope="module")
def site(clinic: Clinic) -> Iterator[Site]:
    with served(clinic.node, pages()) as running:
        yield running


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with launched() as opened:
        yield opened


@pytest.fixture
def new_visitor(browser: Browser, site: Site) -> Iterator[NewVisitor]:
    """Make somebody with a browser and a device; at the end no page of theirs complained."""
    with ExitStack() as stack:
        made: list[Visitor] = []

        def visit(**more: Any) -> Visitor:
            visitor = stack.enter_context(visiting(browser, site.origin, **more))
            made.append(visitor)
            return visitor

        yield visit
        assert [visitor.complaints for visitor in made] == [[]] * len(made)
