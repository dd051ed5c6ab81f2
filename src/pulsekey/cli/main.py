"""`pulsekey`: the commands of an operator. Each parses, calls a use case and prints."""

import argparse
import logging
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from pulsekey import __version__
from pulsekey.cli import commands
from pulsekey.primitives.errors import (
    AccessDenied,
    Conflict,
    IntegrityError,
    MalformedInput,
    NotAuthenticated,
    NotFound,
    PulsekeyError,
    TooManyRequests,
    Unavailable,
)
from pulsekey.settings import Settings, settings_from

EXIT_CODES: dict[type[PulsekeyError], int] = {
    MalformedInput: 2,
    NotFound: 3,
    AccessDenied: 4,
    NotAuthenticated: 4,
    Conflict: 5,
    IntegrityError: 6,
    Unavailable: 7,
    TooManyRequests: 7,
}
"""What a script can tell from the exit status. 1: a claim fails, or damage was found."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status."""
    parsed = parser().parse_args(arguments)
    os.umask(0o077)  # What a node writes is its owner's alone.
    level = logging.WARNING if parsed.command is commands.demo else logging.INFO
    logging.basicConfig(level=level, format="%(asctime)s %(name)s %(message)s")
    try:
        settings = settings_from(os.environ)
        if parsed.home is not None:
            settings = replace(settings, home=parsed.home)
        command: Callable[[Settings, argparse.Namespace], int] = parsed.command
        return command(settings, parsed)
    except PulsekeyError as error:
        print(f"pulsekey: {error}", file=sys.stderr)
        return next(code for kind, code in EXIT_CODES.items() if isinstance(error, kind))
    except KeyboardInterrupt:
        return 130


def parser() -> argparse.ArgumentParser:
    """Return the parser of every command; the documentation prints its help."""
    out = argparse.ArgumentParser(prog="pulsekey", description="Run and check a Pulsekey node.")
    out.add_argument("--version", action="version", version=f"pulsekey {__version__}")
    out.add_argument("--home", type=Path, help="the node's folder (else PULSEKEY_HOME)")
    verbs = out.add_subparsers(metavar="COMMAND", required=True)

    def verb(name: str, text: str, command: object) -> argparse.ArgumentParser:
        made = verbs.add_parser(name, help=text, description=text)
        made.set_defaults(command=command)
        return made

    verb("init", "make a new node", commands.init)
    verb("serve", "serve the node until Ctrl-C", commands.serve)
    inviting = verb(
        "invite-operator",
        "make a token for a new operator, for when no operator can sign in",
        commands.invite_operator,
    )
    inviting.add_argument("name", help="how they are shown to others")
    verb(
        "formats",
        "print which metrics, codes, units and shapes each format yields",
        commands.formats,
    )
    importing = verb("import", "import a file for a patient", commands.import_file)
    importing.add_argument("file", type=Path)
    importing.add_argument("--patient", required=True, help="the patient's id")
    importing.add_argument("--zone", default="", help="IANA zone of local times in the file")
    evidence = verb("evidence", "write the evidence of a consent to a file", commands.evidence)
    evidence.add_argument("consent", help="64 hexadecimal digits")
    evidence.add_argument("-o", "--output", type=Path, required=True)
    verifying = verb("verify", "check an evidence file, offline", commands.verify_file)
    verifying.add_argument("file", type=Path)
    verifying.add_argument(
        "--anchor", type=Path, action="append", default=[], help="a checkpoint obtained elsewhere"
    )
    verifying.add_argument(
        "--receipt",
        type=Path,
        action="append",
        default=[],
        help="a read receipt that a reader kept",
    )
    verb("audit", "re-verify every stored byte of vault and ledger", commands.audit)
    verb("rebuild", "derive the ledger's state, log and batches anew", commands.rebuild)
    restoring = verb(
        "restore",
        "say whether a part of the home is older than the rest, and go on without what is lost",
        commands.restore,
    )
    restoring.add_argument(
        "--accept-loss",
        action="store_true",
        help="go on: consents have to be given again, sessions end",
    )
    demo = verb("demo", "play the whole story on sample data", commands.demo)
    demo.add_argument("--serve", action="store_true", help="then serve the portal until Ctrl-C")
    return out


def run() -> None:
    """Run the command line as a program."""
    sys.exit(main())


if __name__ == "__main__":
    run()
