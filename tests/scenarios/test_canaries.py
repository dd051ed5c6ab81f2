"""Canaries sung through a whole story are heard nowhere: no log, no file, no URL, no error."""

import base64
import json
import logging
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import pytest
import zstandard

from pulsekey.api import app, routes_patient
from pulsekey.exchange.import_jobs import ENDED, State
from pulsekey.identity import software_passkey
from pulsekey.identity.setup import issue_set_up_token
from pulsekey.identity.software_passkey import SoftwarePasskey
from pulsekey.portal.pages import pages
from tests.fakes.node_clinic import MRN, Clinic, challenge_of, opened_clinic, unpadded
from tests.fakes.node_http import FHIR, Caller, Reply, Site, served
from tests.fakes.payloads import SAMPLES

CUSTODIAN_KEY = bytes.fromhex("c0ffee5eed" * 6 + "1234")
SAID = {
    "patient name": "Xenophon Quibblewick",
    "clinician name": "Dr Zephyrine Okonkwo-Vane",
    "identifier": "MRN-7736-QUOLL",
    "device": "Wombat Ticker 9Z",
    "file name": "quokka-export-of-xenophon.csv",
    "measurement": "melancholia of the left wing",
    "value": "73619.48205",
    "check": "passport PQ-55881-KIWI",
}
"""What people say and devices write."""

UNAUTHORISED = 401


def spellings(text: str) -> set[bytes]:
    """Return the forms in which text may hide."""
    raw = text.encode()
    found = {raw, text.encode("utf-16-le"), text.encode("utf-16-be"), quote(text).encode()}
    found |= {quote(text, safe="").encode(), urlencode({"": text})[1:].encode()}
    found |= {json.dumps(text)[1:-1].encode()}
    return found | hidden(raw)


def hidden(raw: bytes) -> set[bytes]:
    """Return the forms in which bytes may hide: as they are, hexadecimal, base64 at any place."""
    found = {raw, raw.hex().encode(), raw.hex().upper().encode(), raw[::-1]}
    for shift in range(3):
        encoded = base64.b64encode(b"x" * shift + raw + b"xx")
        whole = encoded[(shift * 8 + 5) // 6 : (shift + len(raw)) * 8 // 6]
        found |= {whole, whole.replace(b"+", b"-").replace(b"/", b"_")}
    return found


def unpacked(content: bytes) -> Iterator[bytes]:
    """Yield bytes, and whatever in them a stranger could decompress without a key."""
    yield content
    at = -1
    while (at := content.find(zstandard.FRAME_HEADER, at + 1)) >= 0:
        try:
            yield zstandard.ZstdDecompressor().decompressobj().decompress(content[at:])
        except zstandard.ZstdError:
            continue
    for magic in (b"\x78\x01", b"\x78\x5e", b"\x78\x9c", b"\x78\xda", b"\x1f\x8b"):
        at = -1
        while (at := content.find(magic, at + 1)) >= 0:
            try:
                yield zlib.decompressobj(wbits=47).decompress(content[at:], 1_000_000)
            except zlib.error:
                continue


class Aviary:
    """The canaries: those that are known from the start, and secrets as they are made."""

    def __init__(self) -> None:
        self.forms = {name: spellings(text) for name, text in SAID.items()}
        self.forms["custodian key"] = hidden(CUSTODIAN_KEY)

    def add_token(self, name: str, token: str) -> str:
        self.forms[name] = spellings(token) | hidden(unpadded(token))
        return token

    def add_bytes(self, name: str, raw: bytes) -> bytes:
        self.forms[name] = hidden(raw)
        return raw

    def heard(self, content: bytes, *, but: tuple[str, ...] = ()) -> set[str]:
        """Return the names of canaries in some bytes."""
        return {
            name
            for part in unpacked(content)
            for name, forms in self.forms.items()
            if name not in but and any(form in part for form in forms)
        }


def test_the_ears_are_good() -> None:
    """The search itself finds what is there, in each form and in a compressed frame."""
    aviary = Aviary()
    name = SAID["measurement"]
    for form in spellings(name):
        assert aviary.heard(b"before " + form + b" after") == {"measurement"}
    plain = b"x" * 50 + name.encode()
    for packed in (zlib.compress(plain), zstandard.compress(plain)):
        assert aviary.heard(b"head" + packed + b"tail") == {"measurement"}
    assert aviary.heard(base64.b64encode(b"ab" + CUSTODIAN_KEY)) == {"custodian key"}
    assert aviary.heard(b"nothing to be heard") == set()


def clarity() -> bytes:
    text = (SAMPLES / "clarity-three-days.csv").read_text(encoding="utf-8")
    first, last = SAID["patient name"].split()
    text = text.replace("android G6", SAID["device"]).replace("Gagarin", first)
    return text.replace(",LastName,,", f",LastName,,{last}").encode()


def bundle(identifier: str) -> bytes:
    subject = {"reference": "urn:uuid:0000000a-0000-4000-8000-000000000000"}
    quantity = {"value": float(SAID["value"]), "unit": "furlong", "code": "furlong"}
    resources: list[dict[str, Any]] = [
        {
            "resourceType": "Patient",
            "identifier": [{"system": MRN, "value": identifier}],
            "name": [{"text": SAID["patient name"]}],
        },
        {
            "resourceType": "Condition",
            "code": {"text": SAID["measurement"]},
            "subject": subject,
        },
        {
            "resourceType": "Observation",
            "status": "final",
            "code": {"text": SAID["measurement"]},
            "subject": subject,
            "device": {"display": SAID["device"]},
            "effectiveDateTime": "2024-02-03T04:05:06Z",
            "valueQuantity": quantity,
        },
    ]
    entries = [
        {"fullUrl": f"urn:uuid:0000000{'abc'[n]}-0000-4000-8000-000000000000", "resource": one}
        for n, one in enumerate(resources)
    ]
    document = {"resourceType": "Bundle", "type": "collection", "entry": entries}
    return json.dumps(document).encode()


class Story:
    """Plays it over HTTP, and keeps what was answered to whom."""

    def __init__(self, clinic: Clinic, site: Site, aviary: Aviary) -> None:
        self.clinic = clinic
        self.site = site
        self.aviary = aviary
        self.to_others: list[Reply] = []

    def register(self, finish: str, **begin: str) -> tuple[Caller, SoftwarePasskey, dict[str, Any]]:
        anyone = self.site.as_anyone()
        options = anyone.post("/api/registrations/options", begin).json["options"]
        self.aviary.add_bytes(f"challenge of {begin['role']}", challenge_of(options))
        settings = self.clinic.node.settings
        handle = unpadded(options["user"]["id"])
        passkey = software_passkey.create(
            settings.relying_party, settings.origin, self.clinic.entropy, user_handle=handle
        )
        reply = anyone.post(finish, {"credential": passkey.register(challenge_of(options))})
        cookie = reply.headers["set-cookie"].partition(";")[0]
        self.aviary.add_token(f"session of {begin['role']}", cookie.partition("=")[2])
        caller = Caller(self.site, {"Cookie": cookie, "Origin": self.site.origin})
        return caller, passkey, reply.json["principal"]

    def token(self, passkey: SoftwarePasskey, name: str) -> Caller:
        anyone = self.site.as_anyone()
        options = anyone.post("/api/tokens/options").json["options"]
        challenge = self.aviary.add_bytes(f"challenge of {name}", challenge_of(options))
        credential = passkey.authenticate(challenge)
        answer = anyone.post("/api/tokens", {"credential": credential, "purpose": "TREAT"}).json
        token = self.aviary.add_token(f"token of {name}", answer["token"])
        return Caller(self.site, {"Authorization": f"Bearer {token}"})

    def uploaded(self, who: Caller, content: bytes, name: str = "") -> State:
        reply = who.upload(quote(name or SAID["file name"]), content)
        jobs = self.clinic.node.jobs
        job = jobs._jobs[reply.json["import"]]
        while job.state not in ENDED:
            who.get(f"/api/imports/{job.id}")
        return job.state

    def sign(self, who: Caller, passkey: SoftwarePasskey, offer: Reply) -> None:
        asked = offer.json
        credential = passkey.authenticate(challenge_of(asked["options"]))
        done = who.post("/api/operations", {"offer": asked["offer"], "credential": credential})
        assert done.status == 200, done.body

    def errors(self, who: Caller, record: str) -> None:
        """Make every kind of mistake that could be written down with what was sent."""
        everything = " ".join(SAID.values())
        queries = [
            urlencode({name: text})
            for name in ("code", "patient", "x")
            for text in (*SAID.values(), everything)
        ]
        for query in queries:
            for path in (f"{FHIR}/Observation", f"{FHIR}/Patient", "/api/series", "/nowhere"):
                self.to_others.append(who.get(f"{path}?patient={record}&{query}"))
        for text in SAID.values():
            place = quote(text, safe="")
            for path in (
                f"{FHIR}/{place}",
                f"{FHIR}/Observation/{place}",
                f"/{place}",
                f"/api/series/{place}",
                f"/record/{place}/x",
            ):
                self.to_others.append(who.get(path))
            self.to_others += [
                who.fhir_post("Observation", ("code", text), ("date", text)),
                who.post("/api/operations", {"offer": text, "credential": {text: text}}),
                who.post("/api/sign-in", {"credential": {"id": text, text: text}}),
                who.post("/api/sign-in", {"credential": text}),
                who.post("/api/sign-in", f'{{"credential": "{text}"'.encode()),
                who.post("/api/registrations/options", {"role": text}),
                who.get("/api/grants", Authorization=f"Bearer {place}"),
                who.get("/api/grants", Cookie=f"pulsekey_session={place}"),
                who.get(f"{FHIR}/Observation", Accept=place),
            ]
        token = who.headers.get("Authorization", "Bearer none").partition(" ")[2]
        self.to_others += [
            who.get(f"{FHIR}/Observation?patient={record}&access_token={token}"),
            who.get(f"{FHIR}/Observation?_page={token}"),
            who.get(f"/{token}"),
            self.site.call("GET", "/api/me", None, {"Authorization": f"Bearer {token[:-1]}"}),
            self.site.call(token, "/api/me"),
        ]


def test_canaries_are_heard_nowhere(  # noqa: PLR0915  One story, told once.
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.DEBUG)
    aviary = Aviary()
    home = tmp_path / "node"
    with (
        opened_clinic(home, custodian_key=CUSTODIAN_KEY) as clinic,
        served(clinic.node, pages()) as site,
    ):
        node = clinic.node
        story = Story(clinic, site, aviary)
        token = aviary.add_token(
            "set-up token", issue_set_up_token(node.identities, node.clock, node.entropy)
        )
        boss, _, _ = story.register(
            "/api/set-up",
            role="operator",
            displayName="Olga",
            organisationName="City Clinic",
            setupToken=token,
        )
        doctor, doctor_key, clinician = story.register(
            "/api/registrations", role="clinician", displayName=SAID["clinician name"]
        )
        owner, key, patient = story.register(
            "/api/registrations", role="patient", displayName=SAID["patient name"]
        )
        record = patient["patient"]
        check = {"method": "known-to-staff", "reference": SAID["check"]}
        assert boss.post(f"/api/people/{clinician['id']}/confirmation", check).status == 200
        story.sign(owner, key, owner.post("/api/offers/account"))
        bound = {"identifiers": [{"system": MRN, "value": SAID["identifier"]}]}
        assert boss.post(f"/api/people/{patient['id']}/enrolment", check | bound).status == 200
        # Good files and bad ones.
        assert story.uploaded(owner, clarity()) == State.DONE
        assert story.uploaded(owner, bundle(SAID["identifier"]), "chart.json") == State.DONE
        assert story.uploaded(owner, bundle("of somebody else")) == State.DONE
        assert story.uploaded(owner, SAID["measurement"].encode()) == State.FAILED
        assert story.uploaded(owner, clarity()[:-700] + b'"\xff') in ENDED
        assert story.uploaded(owner, bundle(SAID["identifier"])[:-30]) == State.FAILED
        # Nobody reads; then somebody may; then it is stopped.
        program = story.token(doctor_key, "clinician")
        story.to_others.append(program.fhir("Condition", ("patient", record)))
        story.errors(program, record)
        story.errors(doctor, record)
        offer = owner.post(
            "/api/offers/grant",
            {
                "recipient": clinician["id"],
                "categories": ["glucose", "conditions", "unclassified"],
                "purpose": "TREAT",
                "validUntil": "2029-12-22T23:59",
                "zone": "UTC",
                "language": "en",
            },
        )
        story.sign(owner, key, offer)
        read = program.fhir("Condition", ("patient", record))
        assert "measurement" in aviary.heard(read.body), "a consent opens it"
        assert "value" in aviary.heard(program.fhir("Observation", ("patient", record)).body)
        page = program.fhir("Observation", ("patient", record), ("_count", "1"))
        assert aviary.heard(page.next.encode()) == set()
        assert aviary.heard(base64.urlsafe_b64decode(page.next.rpartition("=")[2] + "==")) == set()
        for reply in (read, page):
            # Receipts travel in headers.
            assert aviary.heard(json.dumps(reply.headers).encode()) == set()
        consent = offer.json["consent"]
        evidence = owner.get(f"/api/grants/{consent}/evidence")
        assert evidence.status == 200
        secret = {name for name in aviary.forms if name not in SAID}
        assert not aviary.heard(evidence.body) & secret
        assert not aviary.heard(evidence.body) & {"measurement", "value", "device", "file name"}
        story.sign(owner, key, owner.post("/api/offers/stop", {"consent": consent}))
        story.to_others.append(program.fhir("Condition", ("patient", record)))
        story.errors(program, record)
        # A bug of ours, whose message holds what it stumbled over.
        with monkeypatch.context() as broken:
            broken.setattr(routes_patient, "own", _stumbles)
            failed = site.call("POST", "/api/imports", b"", owner.headers)
            assert failed.status == 500
            story.to_others.append(failed)
        node.committing()
        node.ledger.anchor_now()
        assert node.auditing().sound
        assert owner.post("/api/sign-out").status == 200
        check_files(home, aviary)
    check_files(home, aviary)
    check_errors(story.to_others, aviary)
    check_logs(caplog, aviary)


def _stumbles(_: object) -> None:
    raise RuntimeError(" ".join(SAID.values()))


def check_files(home: Path, aviary: Aviary) -> None:
    files = [path for path in home.rglob("*") if path.is_file()]
    assert len(files) > 8
    for path in files:
        assert aviary.heard(path.read_bytes()) == set(), path.relative_to(home)
        assert aviary.heard(str(path.relative_to(home)).encode()) == set()


def check_errors(replies: list[Reply], aviary: Aviary) -> None:
    """Not one answer that somebody else got repeats a canary, whatever they had sent."""
    statuses = {reply.status for reply in replies}
    assert statuses >= {400, UNAUTHORISED, 404, 500}
    shells = 0
    for reply in replies:
        if reply.status == 200:
            shells += 1
        assert aviary.heard(reply.body) == set(), (reply.status, reply.body[:300])
        assert aviary.heard(json.dumps(reply.headers).encode()) == set()


def check_logs(caplog: pytest.LogCaptureFixture, aviary: Aviary) -> None:
    formatter = logging.Formatter()
    names = set()
    for entry in caplog.records:
        names.add(entry.name)
        told = f"{formatter.format(entry)} {entry.__dict__!r}"
        assert aviary.heard(told.encode()) == set(), told[:300]
        if entry.name == "pulsekey.requests" and entry.levelno == logging.INFO:
            check_request_line(entry.getMessage())
    assert "pulsekey.requests" in names


def check_request_line(line: str) -> None:
    method, place, status, took, unit = line.replace("(no route)", "none").split(" ")
    assert method.isalpha()
    assert place == "none" or place.startswith("/")
    assert "?" not in place
    # Templates only: whatever varies stands in braces.
    for part in place.split("/"):
        assert part in TEMPLATE_WORDS or part.startswith("{"), line
    assert status.isdecimal()
    assert unit == "ms"
    assert float(took) >= 0


def words() -> set[str]:
    templates = [route.path for route in pages() if hasattr(route, "path")]
    templates += [endpoint.path for endpoint in app.ENDPOINTS]
    templates += [app.OPENAPI, "/api/imports", f"{FHIR}/metadata", f"{FHIR}/x/_search", "none"]
    return {part for template in templates for part in template.split("/")} - {"x"} | {""}


TEMPLATE_WORDS = words()
