"""Everything that a command prints passes here, a line at a time.

The rule: what is shown may come from a file or a device that somebody else made, so nothing steers
the terminal and nothing that is data begins a line of its own.
"""

import sys

from pulsekey.evidence.printing import printable


def say(line: str = "", *, flush: bool = False) -> None:
    """Print one line of an answer."""
    print(printable(line), flush=flush)


def complain(line: str) -> None:
    """Print one line of what went wrong."""
    print(printable(line), file=sys.stderr)


def redraw(line: str, *, last: bool) -> None:
    """Show how far something is, over what was shown before; only where somebody is looking."""
    if sys.stderr.isatty():
        print(f"\r{printable(line)}", end="\n" if last else "", file=sys.stderr)
