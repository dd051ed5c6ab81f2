"""Rows of a delimited text in bounded memory.

The one rule: no line, no field and no quotation is longer than its limit, however long the file is.
"""

import csv
from collections.abc import Callable, Iterator
from typing import BinaryIO, Final, NamedTuple

from pulsekey.primitives.errors import MalformedInput
from pulsekey.primitives.messages import Said

LINE_BYTES_MAX: Final = 16 * 1_024
FIELDS_MAX: Final = 256
LINES_MAX: Final = 2_000_000
"""A sensor that says something every five minutes takes nineteen years."""
CURE: Final = "export the file again, and send it as it is"


class Row(NamedTuple):
    """One row and the line that it stands on, from 1."""

    line: int
    fields: list[str]


def rows(stream: BinaryIO, name: str, consumed: Callable[[], None]) -> Iterator[Row]:
    """Yield the rows of comma-separated UTF-8 text; quotations end on their own line.

    Raises `MalformedInput` with the line that cannot be read.
    """
    line = 0
    while content := stream.readline(LINE_BYTES_MAX + 1):
        line += 1
        where = Said("{file}, line {line}", file=name, line=line)
        if len(content) > LINE_BYTES_MAX:
            raise MalformedInput(
                Said("longer than {most} bytes", most=LINE_BYTES_MAX), where=where, cure=CURE
            )
        if line > LINES_MAX:
            raise MalformedInput(
                Said("more than {most} lines", most=LINES_MAX), where=where, cure="send it in parts"
            )
        if b"\0" in content:
            raise MalformedInput("not UTF-8", where=where, cure=CURE)
        try:
            text = content.decode().removesuffix("\n").removesuffix("\r")
            (fields,) = csv.reader([text], strict=True) if text else ([],)
        except UnicodeDecodeError as failure:
            raise MalformedInput("not UTF-8", where=where, cure=CURE) from failure
        except (csv.Error, ValueError) as failure:
            raise MalformedInput("not comma-separated", where=where, cure=CURE) from failure
        if len(fields) > FIELDS_MAX:
            raise MalformedInput(
                Said("more than {most} fields", most=FIELDS_MAX), where=where, cure=CURE
            )
        yield Row(line, fields)
        if line % 4_096 == 0:
            consumed()
    consumed()
