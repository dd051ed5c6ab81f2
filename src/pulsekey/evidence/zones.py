"""Whether this machine's time zones agree with what terms say of theirs: a note, never a claim.

Laws about clocks change, and with them the database of zones; what was signed stays as it was.
"""

from pulsekey.consent.sentence import offsets_of
from pulsekey.consent.terms import Terms
from pulsekey.primitives.errors import MalformedInput


def zone_notes(terms: Terms) -> tuple[str, ...]:
    """Say where the zone of the terms has another clock here, or is not known at all."""
    try:
        same = offsets_of(terms) == terms.offsets
    except MalformedInput:
        return (f"the time zone {terms.zone} is not known here",)
    hours = f"{terms.offsets.valid_until / 3_600:+.2f}"
    return () if same else (f"here {terms.zone} has another clock than the terms, UTC{hours} h",)
