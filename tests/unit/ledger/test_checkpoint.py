import base64

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from pulsekey.ledger.log.checkpoint import Checkpoint, key_id, open_checkpoint, sign_checkpoint
from pulsekey.primitives.errors import IntegrityError, MalformedInput
from pulsekey.primitives.ids import Digest

KEY = Ed25519PrivateKey.from_private_bytes(b"k" * 32)
PUBLIC = KEY.public_key().public_bytes_raw()
CHECKPOINT = Checkpoint("pulsekey/abc", 3, Digest(b"r" * 32), ("head 1 x", "state y"))
NOTE = sign_checkpoint(CHECKPOINT, PUBLIC, KEY.sign)

# A checkpoint that another implementation signed: sigsum's log-go, in its change log of 2022.
SIGSUM_KEY = base64.b64decode("AYzzrIWq3UKJHFrprvJyRMsqVGojEvgAIKrT8q4a9zMU")[1:]
SIGSUM_NOTE = """\
sigsum.org:testonly
23
HSt6W8ve4/36xAIf04qDOqaKLaKqSOUqKxLNrkK74+g=

\u2014 sigsum.org:testonly jeLFS4WQDEeTavbiYArHzCQUPXbQ1Y/V8/dKJlBxqOAY4eLhSh3uWNJ8YXp1vs/zR4SDNHI+6UybLmHmFlg/VSf5OAs=
""".encode()  # noqa: E501 - a signature line is one line


def test_a_checkpoint_signed_by_another_implementation_opens() -> None:
    checkpoint = open_checkpoint(SIGSUM_NOTE, "sigsum.org:testonly", SIGSUM_KEY)
    assert (checkpoint.size, checkpoint.extensions) == (23, ())


def test_key_ids_are_those_of_the_standard() -> None:
    go_key = base64.b64decode("Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8")[1:]
    assert key_id("sum.golang.org", go_key).hex() == "033de0ae"
    assert key_id("sigsum.org:testonly", SIGSUM_KEY).hex() == "8de2c54b"


def test_what_was_signed_opens_with_its_extensions() -> None:
    assert open_checkpoint(NOTE, "pulsekey/abc", PUBLIC) == CHECKPOINT
    root = base64.b64encode(b"r" * 32).decode()
    assert NOTE.decode().startswith(
        f"pulsekey/abc\n3\n{root}\nhead 1 x\nstate y\n\n\u2014 pulsekey/abc "
    )


def test_signatures_of_others_are_skipped() -> None:
    witness = f"\u2014 witness.example {base64.b64encode(b'w' * 72).decode()}\n".encode()
    assert open_checkpoint(NOTE + witness, "pulsekey/abc", PUBLIC) == CHECKPOINT


def test_every_flipped_bit_is_refused() -> None:
    for bit in range(len(NOTE) * 8):
        changed = bytearray(NOTE)
        changed[bit // 8] ^= 1 << bit % 8
        with pytest.raises((IntegrityError, MalformedInput)):
            open_checkpoint(bytes(changed), "pulsekey/abc", PUBLIC)


@pytest.mark.parametrize(
    ("origin", "public"), [("pulsekey/xyz", PUBLIC), ("pulsekey/abc", SIGSUM_KEY)]
)
def test_another_name_or_key_does_not_open_it(origin: str, public: bytes) -> None:
    with pytest.raises(IntegrityError):
        open_checkpoint(NOTE, origin, public)


def test_a_note_of_another_origin_signed_by_the_right_key_is_refused() -> None:
    text = b"other\n3\n" + base64.b64encode(b"r" * 32) + b"\n"
    signature = base64.b64encode(key_id("pulsekey/abc", PUBLIC) + KEY.sign(text))
    note = text + "\n\u2014 pulsekey/abc ".encode() + signature + b"\n"
    with pytest.raises(IntegrityError, match="another log"):
        open_checkpoint(note, "pulsekey/abc", PUBLIC)


@pytest.mark.parametrize("size", ["03", "-3", "", "\u0663", "9" * 21, "x"])
def test_a_size_has_one_form(size: str) -> None:
    text = f"pulsekey/abc\n{size}\n{base64.b64encode(b'r' * 32).decode()}\n".encode()
    signature = base64.b64encode(key_id("pulsekey/abc", PUBLIC) + KEY.sign(text))
    with pytest.raises(MalformedInput):
        open_checkpoint(
            text + "\n\u2014 pulsekey/abc ".encode() + signature + b"\n", "pulsekey/abc", PUBLIC
        )


@pytest.mark.parametrize(
    "note",
    [
        b"",
        b"\xff",
        b"text\n",
        b"text\n\nno dash\n",
        "text\n\n\u2014 name\n".encode(),
        "text\n\n\u2014 name ??\n".encode(),
        "a\tb\n\n\u2014 name aaaa\n".encode(),
        "text\n\n\u2014 name aaaa".encode(),
        b"text\n\n" + "\u2014 name aaaa\n".encode() * 17,
        b"x" * 70_000,
    ],
)
def test_what_is_not_a_signed_note_is_refused(note: bytes) -> None:
    with pytest.raises(MalformedInput):
        open_checkpoint(note, "name", PUBLIC)


@pytest.mark.parametrize(
    "checkpoint",
    [
        Checkpoint("two words", 1, Digest(b"r" * 32)),
        Checkpoint("a+b", 1, Digest(b"r" * 32)),
        Checkpoint("", 1, Digest(b"r" * 32)),
        Checkpoint("a", 1, Digest(b"r" * 32), ("",)),
        Checkpoint("a", 1, Digest(b"r" * 32), ("one\ntwo",)),
    ],
)
def test_what_could_not_be_read_back_is_not_signed(checkpoint: Checkpoint) -> None:
    with pytest.raises(MalformedInput):
        sign_checkpoint(checkpoint, PUBLIC, KEY.sign)
