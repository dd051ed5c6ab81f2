"""Keeps the node's high-water mark while the node is open.

The mark stands in a file of the home, written and synced before the ledger acknowledges; a copy is
told to each store that counts its commits whenever the node opens, closes or commits; and, if the
operator names a folder for it, another one lies outside of the home. A part of the home that was
put back from an older copy is behind what the others remember.
"""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Protocol

from pulsekey.exchange.mark_file import MarkFile
from pulsekey.exchange.marks import (
    ACCEPTED_MAX,
    CHAIN,
    LEDGER,
    PLACES,
    Accepted,
    Mark,
)
from pulsekey.ledger.pipeline import Ledger
from pulsekey.ledger.ports import Head, Ordered
from pulsekey.primitives.clock import Clock, seconds
from pulsekey.primitives.database import Waterline
from pulsekey.primitives.errors import IntegrityError


class Store(Protocol):
    """A store that counts its commits and remembers a mark. Trusted: it is the node's own.

    No conformance suite: each is opened by `primitives.database`, whose tests cover the counting.
    """

    @property
    def waterline(self) -> Waterline:
        """Return the store's count of its commits."""

    def keep_mark(self, mark: bytes) -> None:
        """Keep the node's mark durably."""


@dataclass(slots=True)
class HighWater:
    """Writes marks while a node is open. Safe to use from any thread."""

    inside: MarkFile
    outside: MarkFile | None
    stores: Mapping[str, Store]
    chain_length: Callable[[], int]
    clock: Clock
    mark: Mark
    """The newest one."""
    _agreed: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def note(self, ordered: Ordered) -> None:
        """Mark a batch, durably, before it is acknowledged. Raises `Unavailable`."""
        with self._lock:
            self._write(ordered)

    def agree(self, ledger: Ledger) -> None:
        """Check that the ledger's history is the marked one, and mark where it stands now.

        Raises `IntegrityError` for another history of the same length.
        """
        marked = self.mark.ledger
        if marked.batch:
            head = ledger.head_at(marked.batch)
            if (head.availability, head.parent) != (marked.content, marked.parent):
                raise IntegrityError(
                    f"{PLACES[LEDGER]} holds another batch {marked.batch} than the one marked: it"
                    " is a copy that went on by itself"
                )
        ordered = _ordered_at(ledger.head())
        for file in (self.inside, self.outside):
            if file is not None and not file.path.exists():
                file.replace(replace(self.mark, ledger=ordered))
        self._agreed = True
        self.stamp(ordered)

    def begin_anew(self, ledger: Ledger) -> None:
        """Replace every mark by one of what is there now, and remember that this was accepted.

        The home's own file comes last: until it is written, the node stays closed.
        """
        ordered, now = _ordered_at(ledger.head()), seconds(self.clock.now())
        accepted = (*self.mark.accepted, Accepted(now, ordered.batch, ordered.log_size))
        mark = Mark(
            self.mark.serial + 1,
            now,
            ordered,
            self._positions(),
            self.outside is not None,
            accepted[-ACCEPTED_MAX:],
        )
        sealed = self.inside.seal.closed(mark)
        for store in self.stores.values():
            store.keep_mark(sealed)
        if self.outside is not None:
            self.outside.replace(mark)
        self.inside.replace(mark)
        self.mark = mark

    def close(self) -> None:
        """Tell every store where the node ended, if it was open at all."""
        if self._agreed:
            self.stamp()

    def stamp(self, ordered: Ordered | None = None) -> None:
        """Tell every store the newest mark, unless nothing moved since they were told."""
        with self._lock:
            ordered = ordered or self.mark.ledger
            told = {store.waterline.mark() for store in self.stores.values()}
            if (
                told != {self.inside.seal.closed(self.mark)}
                or self._positions() != self.mark.positions
                or ordered != self.mark.ledger
                or (self.outside is not None) != self.mark.outside
            ):
                self._write(ordered)
                # After the file: no store ever knows of a later mark than the file holds.
                sealed = self.inside.seal.closed(self.mark)
                for store in self.stores.values():
                    store.keep_mark(sealed)

    def _positions(self) -> dict[str, int]:
        positions = {name: store.waterline.position for name, store in self.stores.items()}
        return {**positions, CHAIN: self.chain_length()}

    def _write(self, ordered: Ordered) -> None:
        mark = replace(
            self.mark,
            serial=self.mark.serial + 1,
            at=seconds(self.clock.now()),
            ledger=ordered,
            positions=self._positions(),
            outside=self.outside is not None,
        )
        self.inside.write(mark)
        if self.outside is not None:
            self.outside.write(mark)
        self.mark = mark


def _ordered_at(head: Head) -> Ordered:
    if not head.batch:
        return Ordered()
    return Ordered(head.batch, head.time, head.log_size, head.availability, head.parent)
