import struct
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulsekey.ledger import encoding
from pulsekey.ledger.ports import Batch, Head, Step
from pulsekey.primitives import tags
from pulsekey.primitives.clock import Seconds
from pulsekey.primitives.errors import MalformedInput
from pulsekey.primitives.hashing import tagged
from pulsekey.primitives.ids import Digest, LedgerId

LEDGER = LedgerId(b"L" * 32)
words = st.binary(min_size=32, max_size=32).map(Digest)
numbers = st.integers(0, 2**64 - 1)
seconds = numbers.map(Seconds)
batches = st.builds(
    Batch, numbers, seconds, st.lists(st.binary(max_size=40), max_size=4).map(tuple)
)
steps = st.builds(Step, numbers, numbers, seconds, words, st.integers(0, 0xFFFF), words, words)
heads = st.builds(Head, words.map(LedgerId), numbers, seconds, words, numbers, words, words, words)


def test_a_batch_has_these_bytes() -> None:
    batch = Batch(7, Seconds(9), (b"ab", b""))
    assert encoding.encode_batch(LEDGER, batch) == (
        b"\x01\x00" + b"L" * 32 + bytes(7) + b"\x07" + bytes(7) + b"\x09" + bytes(8)
        + b"\x00\x00\x00\x02" + b"\x00\x00\x00\x00\x02ab" + b"\x00\x00\x00\x00\x00"
    )  # fmt: skip


def test_a_step_has_these_bytes() -> None:
    step = Step(1, 2, Seconds(3), Digest(b"o" * 32), 4, Digest(b"p" * 32), Digest(b"q" * 32))
    expected = b"\x01\x00" + struct.pack(">QQQ", 1, 2, 3) + b"o" * 32 + b"\x00\x04"
    expected += b"p" * 32 + b"q" * 32
    assert encoding.encode_step(step) == expected
    assert len(expected) == encoding.STEP_BYTES == 124
    assert encoding.step_digest(step) == tagged(tags.STEP, expected)


def test_a_head_has_these_bytes() -> None:
    head = Head(
        LEDGER,
        1,
        Seconds(2),
        Digest(b"s" * 32),
        3,
        Digest(b"l" * 32),
        Digest(b"a" * 32),
        Digest(b"p" * 32),
    )
    expected = b"\x01\x00" + b"L" * 32 + struct.pack(">QQ", 1, 2) + b"s" * 32
    expected += struct.pack(">Q", 3) + b"l" * 32 + b"\x01" + b"a" * 32 + b"p" * 32 + bytes(64)
    assert encoding.encode_head(head) == expected
    assert len(expected) == encoding.HEAD_BYTES == 251
    assert encoding.head_digest(head) == tagged(tags.HEAD, expected)


@given(batch=batches)
def test_a_batch_reads_back(batch: Batch) -> None:
    content = encoding.encode_batch(LEDGER, batch)
    assert encoding.decode_batch(content, ledger=LEDGER) == batch
    assert encoding.batch_ledger(content) == LEDGER


@given(step=steps, head=heads)
def test_steps_and_heads_read_back(step: Step, head: Head) -> None:
    assert encoding.decode_step(encoding.encode_step(step)) == step
    assert encoding.decode_head(encoding.encode_head(head)) == head


@given(batch=batches, bit=st.integers(0, 10**6))
def test_a_changed_batch_is_refused_or_encodes_to_the_changed_bytes(batch: Batch, bit: int) -> None:
    content = bytearray(encoding.encode_batch(LEDGER, batch))
    bit %= len(content) * 8
    content[bit // 8] ^= 1 << bit % 8
    try:
        read = encoding.decode_batch(bytes(content), ledger=LEDGER)
    except MalformedInput:
        return
    assert encoding.encode_batch(LEDGER, read) == content


@pytest.mark.parametrize("place", [0, 1, 2, 50, 57, 62])
def test_a_batch_of_a_later_version_or_another_ledger_is_refused(place: int) -> None:
    content = bytearray(encoding.encode_batch(LEDGER, Batch(1, Seconds(1), (b"a",))))
    content[place] ^= 0xFF
    with pytest.raises(MalformedInput):
        encoding.decode_batch(bytes(content), ledger=LEDGER)


@given(cut=st.integers(0, 80))
def test_a_batch_that_is_cut_off_or_goes_on_is_refused(cut: int) -> None:
    content = encoding.encode_batch(LEDGER, Batch(1, Seconds(1), (b"abc", b"defg")))
    cut %= len(content)
    for wrong in (content[:cut], content + b"\x00"):
        with pytest.raises(MalformedInput):
            encoding.decode_batch(wrong, ledger=LEDGER)


def test_a_batch_or_operation_beyond_the_limits_is_refused() -> None:
    many = Batch(1, Seconds(1), (b"",) * (encoding.BATCH_OPERATIONS_MAX + 1))
    long = Batch(1, Seconds(1), (bytes(encoding.SIGNED_BYTES_MAX + 1),))
    for batch in (many, long):
        with pytest.raises(MalformedInput):
            encoding.decode_batch(encoding.encode_batch(LEDGER, batch), ledger=LEDGER)


@pytest.mark.parametrize("place", [0, 1, 122, 187, 219, 250])
def test_a_head_with_fields_of_a_later_version_is_refused(place: int) -> None:
    content = bytearray(encoding.encode_head(encoding.first_head(LEDGER, Seconds(1))))
    content[place] ^= 0x80
    with pytest.raises(MalformedInput):
        encoding.decode_head(bytes(content))


def test_steps_and_heads_of_another_length_or_version_are_refused() -> None:
    head = encoding.first_head(LEDGER, Seconds(1))
    assert bytes(head.parent) == LEDGER
    step = Step(1, 2, Seconds(3), head.parent, 4, head.parent, head.parent)
    with pytest.raises(MalformedInput):
        encoding.decode_head(encoding.encode_head(head)[:-1])
    for wrong in (encoding.encode_step(step)[:-1], b"\x02" + encoding.encode_step(step)[1:]):
        with pytest.raises(MalformedInput):
            encoding.decode_step(wrong)
    assert encoding.step_digest(step) != encoding.step_digest(replace(step, index=3))


def test_the_operation_is_told_from_its_witness() -> None:
    assert encoding.operation_part(b"\x00\x03abcwitness") == b"abc"
    for cut in (b"", b"\x00", b"\x00\x03ab"):
        with pytest.raises(MalformedInput):
            encoding.operation_part(cut)
