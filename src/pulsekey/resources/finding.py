"""One broken rule: where, what, and what to do. It never holds a value of the resource."""

from typing import NamedTuple

FINDINGS_MAX = 100


class Finding(NamedTuple):
    """`where` is a FHIRPath place, as Observation.component[1].valueQuantity."""

    where: str
    problem: str
    cure: str
