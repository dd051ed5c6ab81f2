from dataclasses import replace

import pytest

from pulsekey.ledger.genesis import KEY_RECORD_BYTES, Genesis, decode_genesis
from pulsekey.primitives import tags
from pulsekey.primitives.clock import Seconds
from pulsekey.primitives.errors import MalformedInput
from pulsekey.primitives.hashing import tagged

GENESIS = Genesis(
    name="City Clinic",
    custodian_account=b"\x01" * 32,
    custodian_key=b"\x02" * KEY_RECORD_BYTES,
    checkpoint_key=b"\x03" * 32,
    program=1,
    settlement="embedded",
    created=Seconds(1_790_000_000),
    salt=b"\x04" * 32,
)


def test_a_genesis_is_this_document_and_its_digest_names_the_ledger() -> None:
    expected = (
        '{"checkpoint_key":"' + "03" * 32 + '","created":1790000000,"custodian":{"account":"'
        + "01" * 32 + '","key":"' + "02" * KEY_RECORD_BYTES + '"},"format":"pulsekey/genesis/1",'
        '"name":"City Clinic","program":1,"salt":"' + "04" * 32 + '","settlement":"embedded"}'
    )  # fmt: skip
    assert GENESIS.encode() == expected.encode()
    assert bytes(GENESIS.ledger) == tagged(tags.GENESIS, GENESIS.encode())
    assert decode_genesis(GENESIS.encode()) == GENESIS


def test_ledgers_of_one_name_differ_by_their_salt() -> None:
    assert replace(GENESIS, salt=b"\x05" * 32).ledger != GENESIS.ledger


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"program":1', '"program":true'),
        ('"program":1', '"program":"1"'),
        ('"program":1', '"program":0'),
        ('"created":1790000000', '"created":-1'),
        ('"name":"City Clinic"', '"name":""'),
        ('"name":"City Clinic"', '"name":7'),
        ('"name":"City Clinic"', '"name":"City Clinic","note":1'),
        ("pulsekey/genesis/1", "pulsekey/genesis/2"),
        ("03" * 32, "03" * 31),
        ("03" * 32, "0g" * 32),
        ('"' + "03" * 32 + '"', "7"),
        ('"account"', '"owner"'),
        (":1,", ": 1,"),
    ],
)
def test_what_is_not_a_genesis_is_refused(old: str, new: str) -> None:
    text = GENESIS.encode().decode()
    assert old in text
    with pytest.raises(MalformedInput):
        decode_genesis(text.replace(old, new).encode())


def test_hexadecimal_has_one_form() -> None:
    other = replace(GENESIS, salt=b"\xab" * 32).encode().replace(b"ab" * 32, b"AB" * 32)
    with pytest.raises(MalformedInput, match="lower-case"):
        decode_genesis(other)


def test_a_document_that_is_no_object_is_refused() -> None:
    for content in (b"[]", b"null", b"{}", b"\xff"):
        with pytest.raises(MalformedInput):
            decode_genesis(content)
