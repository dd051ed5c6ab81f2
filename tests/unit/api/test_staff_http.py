"""Over HTTP: staff and their passkeys, operators and accounts, and the limit on strangers."""

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pulsekey.api.app import ENDPOINTS
from pulsekey.api.rate_limit import FORWARDED
from pulsekey.exchange.list_people import PEOPLE_PER_PAGE
from pulsekey.fhir.search import SUPPORTED
from pulsekey.identity import software_passkey
from pulsekey.identity.lifecycle import Status
from pulsekey.identity.principals import Role
from pulsekey.settings import settings_from
from tests.fakes.node_clinic import MRN, Clinic, Member, challenge_of, opened_clinic, unpadded
from tests.fakes.node_http import FHIR, Caller, Reply, Site, served

QUERY = [one for one in ENDPOINTS if one.query]
PLACES = {"series": "s", "ordinal": "0", "metric": "steps"}


def keys(reply: Reply) -> list[dict[str, Any]]:
    assert reply.status == 200, reply.body
    found: list[dict[str, Any]] = reply.json["keys"]
    return found


def add_passkey(clinic: Clinic, caller: Caller, member: Member, name: str) -> str:
    """Add a passkey by the documented calls; return its key id."""
    asked = caller.post("/api/passkeys/confirmation", {"action": "add"}).json["options"]
    begun = caller.post("/api/passkeys/options", {"credential": member.gesture(asked)})
    options = begun.json["options"]
    settings = clinic.node.settings
    device = software_passkey.create(
        settings.relying_party,
        settings.origin,
        clinic.entropy,
        user_handle=unpadded(options["user"]["id"]),
    )
    credential = device.register(challenge_of(options))
    added = keys(caller.post("/api/passkeys", {"credential": credential, "name": name}))
    assert [one["name"] for one in added].count(name) == 1
    return next(str(one["keyId"]) for one in added if one["name"] == name)


@pytest.mark.parametrize("role", [Role.CLINICIAN, Role.OPERATOR])
def test_staff_add_name_and_remove_a_passkey(clinic: Clinic, site: Site, role: Role) -> None:
    member = clinic.operator if role is Role.OPERATOR else clinic.clinician()
    caller = site.in_portal(member)
    (own,) = keys(caller.get("/api/passkeys"))
    assert (own["current"], own["name"], own["synced"]) == (True, "", False)
    second = add_passkey(clinic, caller, member, "Key ring")
    renamed = keys(caller.post(f"/api/passkeys/{second}/name", {"name": "Drawer"}))
    assert {one["name"] for one in renamed} == {"", "Drawer"}
    deed = {"action": "remove", "keyId": second}
    asked = caller.post("/api/passkeys/confirmation", deed).json["options"]
    credential = member.gesture(asked)
    (left,) = keys(caller.post(f"/api/passkeys/{second}/removal", {"credential": credential}))
    assert left["keyId"] == own["keyId"]
    assert left["lastUsed"] is not None
    deed = {"action": "remove", "keyId": str(own["keyId"])}
    assert caller.post("/api/passkeys/confirmation", deed).status == 409


def test_a_stolen_session_alone_changes_no_passkey(clinic: Clinic, site: Site) -> None:
    clinician, thief = clinic.clinician(), clinic.clinician("Dr M. Allory")
    stolen = site.in_portal(clinician)
    asked = stolen.post("/api/passkeys/confirmation", {"action": "add"}).json["options"]
    for credential in (thief.gesture(asked), {}):
        reply = stolen.post("/api/passkeys/options", {"credential": credential})
        assert reply.status == 401
    assert len(keys(stolen.get("/api/passkeys"))) == 1


def test_patients_see_and_name_their_passkeys_and_change_them_by_offers(
    clinic: Clinic, site: Site
) -> None:
    patient = clinic.patient()
    caller = site.in_portal(patient)
    key = patient.key.hex()
    assert keys(caller.post(f"/api/passkeys/{key}/name", {"name": "Phone"}))[0]["name"] == "Phone"
    assert caller.get("/api/me").json["account"]["keys"][0]["name"] == "Phone"
    assert caller.post("/api/passkeys/confirmation", {"action": "add"}).status == 403
    assert caller.post(f"/api/passkeys/{'0' * 64}/name", {"name": "x"}).status == 404


def test_suspension_binds_open_sessions_and_tokens_at_once(clinic: Clinic, site: Site) -> None:
    clinician, patient = clinic.clinician(), clinic.patient()
    clinic.grant(patient, clinician)
    portal, program = site.in_portal(clinician), site.with_token(clinician)
    assert portal.get("/api/shared").status == 200
    assert program.fhir("Observation", ("patient", patient.patient)).status == 200
    boss = site.in_portal(clinic.operator)
    done = boss.post(f"/api/people/{clinician.id}/suspension")
    assert (done.status, done.json["principal"]["status"]) == (200, "suspended")
    assert portal.get("/api/shared").status == 401
    assert program.fhir("Observation", ("patient", patient.patient)).status == 401
    assert program.get("/api/shared").status == 401
    options = site.as_anyone().post("/api/sign-in/options").json["options"]
    refused = site.as_anyone().post("/api/sign-in", {"credential": clinician.gesture(options)})
    assert (refused.status, refused.json["arguments"]) == (403, {"status": "suspended"})
    back = boss.post(f"/api/people/{clinician.id}/reinstatement")
    assert back.json["principal"]["status"] == "registered"
    assert portal.get("/api/shared").status == 401, "what was ended stays ended"
    again = site.in_portal(clinician)
    assert again.get("/api/shared").json == {"patients": []}, "until confirmed anew"


def test_a_withdrawn_confirmation_reads_nothing_more(clinic: Clinic, site: Site) -> None:
    clinician, patient = clinic.clinician(), clinic.patient()
    clinic.grant(patient, clinician)
    portal = site.in_portal(clinician)
    assert len(portal.get("/api/shared").json["patients"]) == 1
    site.in_portal(clinic.operator).post(f"/api/people/{clinician.id}/withdrawal")
    assert portal.get("/api/shared").json == {"patients": []}
    assert portal.get(f"/api/series?patient={patient.patient}").status == 404


def test_an_operator_ends_an_account_and_the_list_says_so(clinic: Clinic, site: Site) -> None:
    clinician, patient = clinic.clinician(), clinic.patient(bound=[(MRN, "1")])
    boss = site.in_portal(clinic.operator)
    assert boss.post(f"/api/people/{clinician.id}/closing").status == 200
    assert boss.post(f"/api/people/{clinician.id}/reinstatement").status == 409
    assert boss.post(f"/api/people/{patient.id}/closing").status == 409
    assert boss.post(f"/api/people/{clinic.operator.id}/suspension").status == 403
    listed = boss.get("/api/actions").json
    assert listed["next"] is None
    newest = listed["actions"][0]
    assert newest["action"] == "close"
    assert newest["actor"]["displayName"] == "Olga Operator"
    assert newest["subject"] == {
        "id": clinician.id,
        "displayName": "Dr A. Li",
        "role": "clinician",
    }
    number = len(listed["actions"])
    older = boss.get(f"/api/actions?before={number}").json["actions"]
    assert len(older) == number - 1
    for who in (patient, clinic.clinician("Dr B")):
        assert site.in_portal(who).get("/api/actions").status == 403


def test_a_wrong_identifier_is_taken_away_and_bound_to_the_right_patient(
    clinic: Clinic, site: Site
) -> None:
    wrong, right = clinic.patient(bound=[(MRN, "1")]), clinic.patient("Q", bound=[(MRN, "2")])
    boss = site.in_portal(clinic.operator)
    body = {"system": MRN, "value": "1"}
    binding = {"identifiers": [body]}
    assert boss.post(f"/api/people/{right.id}/bindings", binding).status == 409
    done = boss.post(f"/api/people/{wrong.id}/unbinding", body)
    assert (done.status, done.json["imports"]) == (200, 0)
    assert boss.post(f"/api/people/{wrong.id}/unbinding", body).status == 404
    assert boss.post(f"/api/people/{right.id}/bindings", binding).status == 200


def test_an_invitation_is_made_again_and_the_earlier_token_ends(clinic: Clinic, site: Site) -> None:
    boss = site.in_portal(clinic.operator)
    body = {"displayName": "Otto", "role": "operator"}
    first = boss.post("/api/invitations", body).json
    second = boss.post(f"/api/people/{first['principal']}/invitation").json
    for token, status in ((first["setupToken"], 401), (second["setupToken"], 200)):
        begin = {"role": "patient", "setupToken": token}
        assert site.as_anyone().post("/api/registrations/options", begin).status == status


def test_people_are_found_by_parts_of_names_and_identifiers(clinic: Clinic, site: Site) -> None:
    clinic.patient("Zoë Ångström", bound=[(MRN, "X-77")])
    clinic.clinician("Dr Zoe Li")
    boss = site.in_portal(clinic.operator)

    def found(**sought: str) -> list[str]:
        reply = boss.post("/api/people/search", sought)
        assert reply.status == 200
        return [one["principal"]["displayName"] for one in reply.json["people"]]

    assert found(text="ångström zoë") == ["Zoë Ångström"]
    assert found(text="x-77") == found(text=f"{MRN}|X-77") == ["Zoë Ångström"]
    assert found(text="zo") == ["Dr Zoe Li", "Zoë Ångström"]
    assert found(text="zo", role="clinician") == ["Dr Zoe Li"]
    assert found(status="suspended") == []
    assert found(text="nobody") == []
    assert len(found()) == 3
    assert boss.post("/api/people/search", {"text": "x" * 600}).status == 400
    for after in ("x", "1.2.3", "-1.x", "9" * 30 + ".x"):
        reply = boss.post("/api/people/search", {"after": after})
        assert reply.status == (200 if after == "1.2.3" else 400)


def test_people_are_listed_page_by_page_each_once(clinic: Clinic, site: Site) -> None:
    for number in range(PEOPLE_PER_PAGE * 2):
        clinic.node.directory.invite(clinic.operator.id, Role.CLINICIAN, f"Dr {number}")
    boss = site.in_portal(clinic.operator)
    seen: list[str] = []
    path = "/api/people"
    for _ in range(4):
        answer = boss.get(path).json
        seen += [one["principal"]["id"] for one in answer["people"]]
        if answer["next"] is None:
            break
        path = f"/api/people?after={answer['next']}"
    assert len(seen) == len(set(seen)) == PEOPLE_PER_PAGE * 2 + 1


# -- the limit on strangers


@pytest.fixture
def narrow(tmp_path: Path) -> Iterator[tuple[Clinic, Site]]:
    """A node that lets a stranger ask twice at once, and trusts no proxy."""
    with (
        opened_clinic(tmp_path / "narrow", anonymous_per_address_max=1) as clinic,
        served(clinic.node) as site,
    ):
        yield clinic, site


def flood(site: Site, path: str = "/api/sign-in/options", **headers: str) -> Reply:
    """Ask until refused; return the refusal."""
    for _ in range(10):
        reply = site.as_anyone().post(path, {}, **headers)
        if reply.status == 429:
            return reply
    raise AssertionError("never refused")


def test_a_stranger_who_asks_too_often_is_told_when_to_come_back(
    narrow: tuple[Clinic, Site],
) -> None:
    clinic, site = narrow
    reply = flood(site)
    assert reply.json["error"] == "TooManyRequests"
    assert 1 <= int(reply.headers["retry-after"]) <= 60
    clinic.clock.advance(int(reply.headers["retry-after"]))
    assert site.as_anyone().post("/api/sign-in/options").status == 200


def test_a_flood_keeps_no_patient_from_stopping_a_consent(narrow: tuple[Clinic, Site]) -> None:
    clinic, site = narrow
    patient, clinician = clinic.patient(), clinic.clinician()
    consent = clinic.grant(patient, clinician)
    caller = site.in_portal(patient)
    for path in ("/api/sign-in/options", "/api/registrations/options"):
        flood(site, path)
    offer = caller.post("/api/offers/stop", {"consent": consent.hex()})
    assert offer.status == 200
    credential = patient.gesture(offer.json["options"])
    body = {"offer": offer.json["offer"], "credential": credential}
    assert caller.post("/api/operations", body).json["code"] == 0


@pytest.mark.parametrize(
    "path",
    [
        "/api/registrations/options",
        "/api/registrations",
        "/api/set-up",
        "/api/sign-in/options",
        "/api/sign-in",
        "/api/tokens/options",
        "/api/tokens",
    ],
)
def test_whatever_begins_or_ends_without_a_session_is_limited(
    narrow: tuple[Clinic, Site], path: str
) -> None:
    _, site = narrow
    assert flood(site, path).status == 429


def test_every_public_call_that_writes_is_limited() -> None:
    for one in ENDPOINTS:
        assert (one.metered is not None) == (str(one.access) == "anyone" and one.method == "POST")
        assert not one.signs_in or one.metered is not None


def test_too_many_requests_of_fhir_are_an_operation_outcome(narrow: tuple[Clinic, Site]) -> None:
    _, site = narrow
    replies = [site.as_anyone().get(f"{FHIR}/metadata") for _ in range(3)]
    assert [one.status for one in replies] == [200, 200, 429]
    assert replies[-1].json["resourceType"] == "OperationOutcome"
    assert replies[-1].json["issue"][0]["code"] == "throttled"
    assert int(replies[-1].headers["retry-after"]) >= 1


def test_a_forwarded_address_of_nobody_we_trust_changes_nothing(
    narrow: tuple[Clinic, Site], caplog: pytest.LogCaptureFixture
) -> None:
    _, site = narrow
    with caplog.at_level(logging.WARNING, "pulsekey"):
        replies = [
            site.call("POST", "/api/sign-in/options", b"{}", {FORWARDED: f"198.51.100.{number}"})
            for number in range(4)
        ]
    assert [one.status for one in replies] == [200, 200, 429, 429]
    told = [one.message for one in caplog.records if "PULSEKEY_TRUSTED_PROXIES" in one.message]
    assert len(told) == 1
    assert "198.51.100" not in caplog.text


def test_behind_a_trusted_proxy_each_caller_has_an_allowance(tmp_path: Path) -> None:
    proxies = settings_from({"PULSEKEY_TRUSTED_PROXIES": "127.0.0.1, ::1"}).trusted_proxies
    with (
        opened_clinic(
            tmp_path / "behind", anonymous_per_address_max=1, trusted_proxies=proxies
        ) as clinic,
        served(clinic.node) as site,
    ):

        def ask(forwarded: str) -> int:
            sent = {FORWARDED: forwarded}
            return site.call("POST", "/api/sign-in/options", b"{}", sent).status

        assert [ask("198.51.100.1") for _ in range(3)] == [200, 200, 429]
        assert ask("198.51.100.2") == 200
        assert ask("203.0.113.5, 198.51.100.1") == 429, "what the caller wrote is not believed"


# -- the OpenAPI document


@pytest.mark.parametrize("endpoint", QUERY, ids=lambda one: one.path)
def test_the_document_names_the_query_parameters_that_are_taken(
    clinic: Clinic, site: Site, endpoint: Any
) -> None:
    document = site.as_anyone().get("/api/openapi.json").json
    operation = document["paths"][endpoint.path][endpoint.method.lower()]
    described = {
        one["name"]: one["schema"]["type"]
        for one in operation["parameters"]
        if one["in"] == "query"
    }
    assert described == {one.name: one.kind for one in endpoint.query}
    caller = site.in_portal(clinic.operator if "operators" in endpoint.access else clinic.patient())
    path = endpoint.path.format(**PLACES) if "{" in endpoint.path else endpoint.path
    for name, kind in described.items():
        reply = caller.get(f"{path}?{name}=1.x")
        assert reply.json.get("where") != "query", "it is known"
        assert reply.status == 400 or kind == "string", name
        assert caller.get(f"{path}?{name}=1&{name}=1").status == 400


def test_a_query_parameter_that_nobody_knows_is_refused_everywhere(
    clinic: Clinic, site: Site
) -> None:
    who = {
        "operators": site.in_portal(clinic.operator),
        "clinicians and operators": site.in_portal(clinic.operator),
        "clinicians": site.in_portal(clinic.clinician()),
        "anyone": site.as_anyone(),
    }
    patient = site.in_portal(clinic.patient())
    for one in ENDPOINTS:
        if one.method != "GET":
            continue
        path = one.path.format(**{"consent": "0" * 64, "import": "i"} | PLACES)
        reply = who.get(str(one.access), patient).get(f"{path}?untill=1")
        assert (reply.status, reply.json["where"]) == (400, "query"), one.path


def test_the_document_names_the_search_parameters_of_fhir(clinic: Clinic, site: Site) -> None:
    document = site.as_anyone().get("/api/openapi.json").json
    metadata = site.as_anyone().get(f"{FHIR}/metadata").json
    program = site.with_token(clinic.patient(), "PATRQT")
    (rest,) = metadata["rest"]
    stated = {
        one["type"]: {each["name"] for each in one.get("searchParam", ())}
        for one in rest["resource"]
    }
    assert stated.keys() == SUPPORTED.keys()
    for kind, names in stated.items():
        operation = document["paths"][f"{FHIR}/{kind}"]["get"]
        described = {one["name"] for one in operation["parameters"]}
        assert described == names | {"_count", "_sort", "_format"}
        assert f"{FHIR}/{kind}/_search" in document["paths"]
        assert f"{FHIR}/{kind}/{{id}}" in document["paths"]
    for query, status in ((("_format", "json"), 200), (("_count", "1"), 200), (("when", "x"), 400)):
        assert program.fhir("Condition", query).status == status


@pytest.mark.parametrize("test_data", [False, True])
def test_nobody_is_confirmed_unchecked_where_patients_are_real(
    tmp_path: Path, *, test_data: bool
) -> None:
    """What a patient signs says that the clinic confirmed who the recipient is."""
    with (
        opened_clinic(tmp_path / "node", test_data=test_data) as clinic,
        served(clinic.node) as site,
    ):
        boss, waiting = site.in_portal(clinic.operator), clinic.clinician(confirmed=False)
        assert ("test-data" in boss.get("/api/people").json["methods"]) is test_data
        path = f"/api/people/{waiting.id}/confirmation"
        asked = {"method": "test-data", "reference": "made up", "organisationName": "City Clinic"}
        reply = boss.post(path, asked)
        assert reply.status == (200 if test_data else 400), reply.body
        assert (waiting.principal.status is Status.CONFIRMED) is test_data
