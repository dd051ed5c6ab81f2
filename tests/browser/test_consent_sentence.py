"""`sentence.js` and `check.js` against the node's program: one sentence, one digest.

They run in node, whose engine is that of Chromium.
"""

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulsekey.consent.operations import Operation, Revoke, challenge
from pulsekey.consent.sentence import LANGUAGES, released, sentence, with_sentence
from pulsekey.consent.terms import (
    PURPOSES,
    Controller,
    Offsets,
    Organisation,
    Recipient,
    Terms,
    consent_id,
)
from pulsekey.primitives.clock import Seconds
from pulsekey.primitives.ids import (
    AccountId,
    ConsentId,
    KeyId,
    LedgerId,
    OrganisationId,
    PatientId,
    PrincipalId,
)
from pulsekey.signals.category import Category

STATIC = Path(__file__).parents[2] / "src" / "pulsekey" / "portal" / "static"
NODE = shutil.which("node")
FIRST = int(datetime(1972, 1, 1, tzinfo=UTC).timestamp())

RULED_UNTIL = int(datetime(2037, 1, 1, tzinfo=UTC).timestamp())
"""Later years follow a rule, which implementations carry on differently for a few zones."""

ZONES = sorted(
    {
        "Europe/Paris", "America/New_York", "America/Argentina/Buenos_Aires", "Asia/Kathmandu",
        "Asia/Shanghai", "Australia/Lord_Howe", "Pacific/Apia", "Pacific/Chatham", "UTC",
        "America/St_Johns", "Africa/Johannesburg",
    }
    & available_timezones()
)  # fmt: skip

PROGRAM = """
import { checkOffsets, consentId, readTerms, sentenceOf, taggedDigest } from "./sentence.js";
const hex = (array) => Buffer.from(array).toString("hex");
let all = "";
for await (const part of process.stdin) all += part;
const out = [];
for (const { text, words, ledger, operation } of JSON.parse(all)) {
  try {
    if (operation) {
      const parts = [Uint8Array.of(1), Buffer.from(ledger, "hex"), Buffer.from(operation, "hex")];
      out.push(hex(await taggedDigest("pulsekey/operation-challenge/1", ...parts)));
    } else {
      const terms = readTerms(text);
      const sentence = sentenceOf(terms, words);
      checkOffsets(terms);
      out.push([sentence, hex(await consentId(text))]);
    }
  } catch (error) {
    out.push(error.code ?? String(error));
  }
}
process.stdout.write(JSON.stringify(out));
"""

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(NODE is None and "CI" not in os.environ, reason="node is not installed"),
]

Run = Callable[[list[dict[str, Any]]], list[Any]]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Run cases through the module in node."""
    folder = tmp_path_factory.mktemp("modules")
    for name in ("sentence.js",):
        (folder / name).write_bytes((STATIC / name).read_bytes())
    (folder / "package.json").write_text('{"type": "module"}', "utf-8")
    (folder / "run.js").write_text(PROGRAM, "utf-8")

    def through(cases: list[dict[str, Any]]) -> list[Any]:
        assert NODE is not None
        done = subprocess.run(
            [NODE, str(folder / "run.js")],
            input=json.dumps(cases).encode(),
            capture_output=True,
            check=True,
            timeout=120,
        )
        found: list[Any] = json.loads(done.stdout)
        return found

    return through


moments = st.integers(FIRST, RULED_UNTIL)
names = st.text(
    st.characters(exclude_categories=("Cc", "Cf", "Cs", "Zl", "Zp")), min_size=1, max_size=40
)


@st.composite
def all_terms(draw: st.DrawFn) -> Terms:
    """Terms of every form, with names that look like markup, templates and escapes."""
    until = draw(moments)
    data_until = draw(st.sampled_from(["then", "none", "other"]))
    odd = st.sampled_from(["{until}", "<b>", '"', "\\u0041", "{0}", "李医生", "\U0001f600", "$&"])
    return with_sentence(
        Terms(
            subject=PatientId(draw(names)),
            signer=AccountId(draw(st.binary(min_size=32, max_size=32))),
            recipient=Recipient(
                PrincipalId("p"),
                draw(names | odd),
                Organisation(OrganisationId("o"), draw(names)),
                "00" * 32,
            ),
            controller=Controller(
                Organisation(OrganisationId("c"), draw(names | odd)), "privacy@clinic.example"
            ),
            categories=tuple(
                draw(st.lists(st.sampled_from(Category), min_size=1, max_size=6, unique=True))
            ),
            purpose=draw(st.sampled_from(PURPOSES)),
            valid_from=Seconds(draw(moments)),
            valid_until=Seconds(until),
            data_from=draw(st.none() | moments.map(Seconds)),
            data_until={"then": Seconds(until), "none": None}.get(
                data_until, Seconds(draw(moments))
            ),
            zone=draw(st.sampled_from(ZONES)),
            jurisdiction="FR",
            language=draw(st.sampled_from(LANGUAGES)),
            legal_basis="gdpr-9-2-a",
            salt=draw(st.binary(min_size=32, max_size=32)),
        )
    )


def case(terms: Terms) -> dict[str, Any]:
    return {"text": terms.encode().decode(), "words": released(terms.language)}


@given(several=st.lists(all_terms(), min_size=20, max_size=40))
def test_both_make_the_same_sentence_and_the_same_digest(run: Run, several: list[Terms]) -> None:
    found = run([case(terms) for terms in several])
    assert found == [[terms.sentence, terms.consent.hex()] for terms in several]


def test_the_clock_changes_of_a_zone_are_the_same_in_both(run: Run) -> None:
    base = a_grant()
    turns = [
        Seconds(int(datetime(2026, month, day, hour, 30, tzinfo=UTC).timestamp()))
        for month, day in ((3, 29), (10, 25), (4, 5), (11, 1), (3, 8))
        for hour in range(24)
    ]
    several = [
        with_sentence(replace(base, valid_until=at, zone=zone)) for at in turns for zone in ZONES
    ]
    assert run([case(terms) for terms in several]) == [
        [terms.sentence, terms.consent.hex()] for terms in several
    ]


@pytest.mark.parametrize(
    "change",
    [
        {"also": 1},
        {"version": 2},
        {"type": "other"},
        {"exclusions": ["x"]},
        {"salt": "00"},
        {"categories": ["nothing-we-know"]},
        {"categories": []},
        {"purpose": "MARKETING"},
        {"zone": "Moon/Base"},
        {"valid": {"from": 1, "until": 1.5}},
        {"purpose": "constructor"},
        {"offsets": None},
        {"offsets": {"validUntil": 3600, "dataFrom": None}},
        {"offsets": {"validUntil": 3600.5, "dataFrom": None, "dataUntil": 3600}},
    ],
)
def test_terms_of_another_form_are_refused(run: Run, change: dict[str, Any]) -> None:
    document = json.loads(a_grant().encode()) | change
    text = json.dumps(document, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    assert run([{"text": text, "words": released("en")}])[0] in {"terms", "zone"}


@pytest.mark.parametrize(
    ("zone", "offsets"),
    [
        ("Europe/Paris", Offsets(7_200, None, 7_200)),
        ("Europe/Paris", Offsets(3_600, None, 3_601)),
        ("Europe/Paris", Offsets(0, None, 0)),
        ("Asia/Tokyo", Offsets(3_600, None, 3_600)),
    ],
)
def test_a_clock_that_this_browser_does_not_know_is_refused(
    run: Run, zone: str, offsets: Offsets
) -> None:
    lie = replace(a_grant(), zone=zone, offsets=offsets)
    told = replace(lie, sentence=sentence(lie))
    assert run([case(told)]) == ["offset"]


def test_an_old_zone_with_odd_seconds_has_its_own_clock(run: Run) -> None:
    terms = with_sentence(replace(a_grant(), data_from=Seconds(-2_500_000_000)))
    assert terms.offsets.data_from == 561  # Paris, 9 min 21 s ahead until 1911.
    assert run([case(terms)]) == [[terms.sentence, terms.consent.hex()]]


def test_text_that_is_not_canonical_is_refused(run: Run) -> None:
    text = a_grant().encode().decode()
    twice = text[:-1] + ',"zone":"UTC"}'
    cases = [{"text": other, "words": released("en")} for other in (text + " ", twice, "", "[]")]
    assert run(cases) == ["terms"] * 4


def test_the_challenge_is_the_ledgers(run: Run) -> None:
    account, key = AccountId(b"a" * 32), KeyId(b"k" * 32)
    operation = Operation(account, 7, key, Revoke(ConsentId(b"c" * 32))).encode()
    ledger = LedgerId(bytes(range(32)))
    found = run([{"ledger": ledger.hex(), "operation": operation.hex()}])
    assert found == [challenge(ledger, operation).hex()]


def test_a_digest_commits_to_the_text() -> None:
    terms = a_grant()
    assert consent_id(terms.encode()) != consent_id(terms.encode() + b" ")


def a_grant() -> Terms:
    return with_sentence(
        Terms(
            subject=PatientId("patient"),
            signer=AccountId(bytes(32)),
            recipient=Recipient(
                PrincipalId("p"), "Dr A. Li", Organisation(OrganisationId("o"), "City Clinic"), "00"
            ),
            controller=Controller(Organisation(OrganisationId("o"), "City Clinic"), "x@y.example"),
            categories=(Category.HEART_RATE, Category.GLUCOSE),
            purpose="TREAT",
            valid_from=Seconds(1_790_000_000),
            valid_until=Seconds(1_797_980_340),
            data_from=None,
            data_until=Seconds(1_797_980_340),
            zone="Europe/Paris",
            jurisdiction="FR",
            language="en",
            legal_basis="gdpr-9-2-a",
            salt=bytes(32),
        )
    )
