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
from pulsekey.cli.failures import INTERRUPTED, UNHEARD, of_system, status_of
from pulsekey.cli.screen import complain
from pulsekey.identity.principals import Role
from pulsekey.primitives.errors import PulsekeyError
from pulsekey.settings import Settings, settings_from


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
        done = command(settings, parsed)
        sys.stdout.flush()  # Here, so that a reader who has gone is noticed here.
    except BrokenPipeError:
        # Python would try to write the rest when it ends, and complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return UNHEARD
    except PulsekeyError as error:
        return _failed(error)
    except OSError as error:
        return _failed(of_system(error))
    except KeyboardInterrupt:
        return INTERRUPTED
    return done


def _failed(error: PulsekeyError) -> int:
    complain(f"pulsekey: {error}")
    return status_of(error)


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
    people = verb(
        "people",
        "list who takes part, with the patient ids that `import` takes",
        commands.list_people,
    )
    people.add_argument("--names", action="store_true", help="show names and identifiers too")
    people.add_argument("--role", choices=[role.value for role in Role], help="only these")
    verb(
        "formats",
        "print which metrics, codes, units and shapes each format yields",
        commands.formats,
    )
    importing = verb("import", "import a file for a patient", commands.import_file)
    importing.add_argument("file", type=Path)
    importing.add_argument(
        "--patient", required=True, help="the patient's id, as `pulsekey people` lists it"
    )
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
    demo.add_argument(
        "--serve", action="store_true", help="load the sample data and serve the portal instead"
    )
    return out


def run() -> None:
    """Run the command line as a program."""
    sys.exit(main())


if __name__ == "__main__":
    run()
