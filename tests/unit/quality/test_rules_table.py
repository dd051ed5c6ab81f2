"""The table of rules and the catalogue of metrics say the same things."""

import pytest

from pulsekey.quality.rules import HORIZON_ROWS, reach_rows
from pulsekey.quality.table import RULES
from pulsekey.signals.catalogue import METRICS
from pulsekey.signals.metric import Metric, Shape

every_metric = pytest.mark.parametrize("metric", METRICS.values(), ids=METRICS.keys())


def test_no_rule_is_about_an_unknown_metric() -> None:
    assert not RULES.keys() - METRICS.keys()


@every_metric
def test_a_metric_has_rules_or_a_reason_for_none(metric: Metric) -> None:
    rules = RULES[metric.name]
    assert bool(rules.bounds) != bool(rules.none_because)


@every_metric
def test_limits_are_in_the_unit_of_the_catalogue(metric: Metric) -> None:
    units = {part.name: part.unit.ucum for part in metric.components if part.unit is not None}
    for bounds in RULES[metric.name].bounds:
        assert units[bounds.component] == bounds.ucum
        assert bounds.low < bounds.high


@every_metric
def test_every_limit_names_its_source(metric: Metric) -> None:
    rules = RULES[metric.name]
    sources = [bounds.source for bounds in rules.bounds]
    others = (
        rules.sensor,
        rules.rate,
        rules.flat,
        rules.lonely,
        rules.pace,
        rules.compression,
    )
    sources += [limit.source for limit in others if limit is not None]
    assert all(len(source) > 20 for source in sources)


@every_metric
def test_rules_of_one_value_stand_only_where_there_is_one(metric: Metric) -> None:
    rules = RULES[metric.name]
    if rules.rate or rules.flat or rules.sensor or rules.compression or rules.lonely:
        assert metric.shape is Shape.POINT
    if rules.pace:
        assert metric.shape is Shape.INTERVAL
    assert {rules.greater, rules.smaller} <= {part.name for part in metric.components} | {""}


@every_metric
def test_no_rule_looks_beyond_the_horizon(metric: Metric) -> None:
    assert reach_rows(RULES[metric.name]) <= HORIZON_ROWS
