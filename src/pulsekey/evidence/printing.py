"""Text of a file as it may be shown: whoever made the file chose it."""


def printable(text: str) -> str:
    """Return text of a file as one line that cannot steer a terminal.

    A name with escape sequences could otherwise overwrite the verdict that stands above it.
    """
    return "".join(each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in text)
