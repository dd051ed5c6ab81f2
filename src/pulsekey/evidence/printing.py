"""Text of a file as it may be shown: whoever made the file chose it. And times."""

from pulsekey.primitives.clock import MICROS_PER_SECOND, Micros, Seconds, utc


def printable(text: str) -> str:
    """Return text of a file as one line that cannot steer a terminal.

    A name with escape sequences could otherwise overwrite the verdict that stands above it.
    """
    return "".join(each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in text)


def day(at: Seconds) -> str:
    """Return a time for people, or its number where no calendar has it."""
    try:
        moment = utc(Micros(at * MICROS_PER_SECOND))
    except OverflowError:
        return f"second {at}"
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"
