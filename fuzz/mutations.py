"""Damages valid input the way that transfers, editors and attackers do."""

from random import Random

TOKENS = (
    b"<", b">", b'"', b"&", b"&amp;", b"</", b"/>", b"\0", b"\xff", b"\xef\xbb\xbf", b",", b"\n",
    b"NaN", b"-1", b"1e999", b"9" * 40, b"+1500", b"2023-02-30", b"<!ENTITY a 'b'>", b"PK\x03\x04",
)  # fmt: skip


def mutated(random: Random, content: bytes) -> bytes:
    """Return `content` after one to eight changes: flips, cuts, copies, insertions, truncation."""
    data = bytearray(content)
    for _ in range(random.randint(1, 8)):
        at = random.randrange(len(data) + 1)
        match random.randrange(6):
            case 0 if at < len(data):
                data[at] ^= 1 << random.randrange(8)
            case 1:
                del data[at : at + random.randrange(1, 200)]
            case 2:
                data[at:at] = data[at : at + random.randrange(1, 2_000)]
            case 3 | 4:
                data[at:at] = random.choice(TOKENS)
            case _ if random.random() < 0.2:
                del data[at:]
    return bytes(data)
