"""What the JSON interface takes and answers. Untrusted JSON enters here and nowhere else."""

from typing import Any, Literal

import msgspec
from msgspec import Struct

Hex32 = str
JsonObject = dict[str, Any]


class Taken(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """A request body: an unknown member is refused, because a typo must not be ignored."""


class Given(Struct, frozen=True, kw_only=True, rename="camel"):
    """An answer."""


class RegistrationBegin(Taken, frozen=True):
    role: Literal["patient", "clinician", "operator"]
    display_name: str = ""
    organisation_name: str = ""
    setup_token: str = ""


class CredentialGiven(Taken, frozen=True):
    credential: JsonObject


class TokenTaken(Taken, frozen=True):
    credential: JsonObject
    purpose: str
    scopes: tuple[str, ...] = ("user/*.read",)


class InvitationTaken(Taken, frozen=True):
    display_name: str
    role: Literal["operator", "clinician", "patient"] = "operator"


class KeyNamed(Taken, frozen=True):
    key_id: Hex32


class NameTaken(Taken, frozen=True):
    name: str


class DeedTaken(Taken, frozen=True):
    action: Literal["add", "remove"]
    key_id: Hex32 = ""


class PasskeyTaken(Taken, frozen=True):
    credential: JsonObject
    name: str = ""


class PeopleSought(Taken, frozen=True):
    text: str = ""
    role: Literal["patient", "clinician", "operator", ""] = ""
    status: Literal["invited", "registered", "confirmed", "suspended", "closed", ""] = ""
    after: str = ""


class GrantChoice(Taken, frozen=True):
    recipient: str
    categories: tuple[str, ...]
    purpose: str
    valid_until: str
    zone: str
    language: str
    data_from: str = ""
    data_until: Literal["then", "now", ""] = "then"


class ConsentNamed(Taken, frozen=True):
    consent: Hex32


class Confirmation(Taken, frozen=True):
    offer: str
    credential: JsonObject


class IdentifierShape(Taken, frozen=True):
    system: str
    value: str


class CheckTaken(Taken, frozen=True):
    method: str
    reference: str
    organisation_name: str = ""


class BindingsTaken(Taken, frozen=True):
    identifiers: tuple[IdentifierShape, ...]


class EnrolmentTaken(Taken, frozen=True):
    method: str
    reference: str
    identifiers: tuple[IdentifierShape, ...]


class PrincipalShape(Given, frozen=True):
    id: str
    role: str
    status: str
    display_name: str
    organisation_name: str
    patient: str | None = None


class OptionsShape(Given, frozen=True):
    options: JsonObject


class PrincipalAnswer(Given, frozen=True):
    principal: PrincipalShape


class TokenAnswer(Given, frozen=True):
    token: str
    expires: int
    purpose: str


class KeyShape(Given, frozen=True):
    key_id: Hex32
    name: str
    created: int
    last_used: int | None
    current: bool
    synced: bool


class PasskeysAnswer(Given, frozen=True):
    keys: list[KeyShape]


class AccountShape(Given, frozen=True):
    account: Hex32
    keys: list[KeyShape]


class NodeShape(Given, frozen=True):
    organisation: str
    ledger: Hex32
    contact: str
    set_up: bool


class MeAnswer(Given, frozen=True):
    node: NodeShape
    principal: PrincipalShape | None = None
    account: AccountShape | None = None


class OfferAnswer(Given, frozen=True):
    offer: str
    kind: str
    operation: str
    ledger: Hex32
    challenge: Hex32
    options: JsonObject
    terms: str | None = None
    consent: Hex32 | None = None


class StepAnswer(Given, frozen=True):
    kind: str
    code: int
    batch: int
    log_index: int
    time: int


class RecipientShape(Given, frozen=True):
    id: str
    display_name: str
    organisation_name: str


class RecipientsAnswer(Given, frozen=True):
    recipients: list[RecipientShape]


class CategoryShape(Given, frozen=True):
    category: str
    series: int
    documents: int


class CategoriesAnswer(Given, frozen=True):
    categories: list[CategoryShape]


class GrantShape(Given, frozen=True):
    consent: Hex32
    recipient: str
    recipient_name: str
    organisation_name: str
    categories: list[str]
    purpose: str
    valid_from: int
    valid_until: int
    state: str
    sentence: str
    language: str
    reads: int


class GrantsAnswer(Given, frozen=True):
    grants: list[GrantShape]


class AccessShape(Given, frozen=True):
    at_micros: int
    reader: str
    reader_name: str
    basis: str
    purpose: str
    consent: Hex32 | None
    types: list[str]
    categories: list[str]
    limit: int
    reason: str


class AccessesAnswer(Given, frozen=True):
    accesses: list[AccessShape]


class SharedShape(Given, frozen=True):
    patient: str
    display_name: str
    until: int
    categories: list[str]


class SharedAnswer(Given, frozen=True):
    patients: list[SharedShape]


class ImportAccepted(Given, frozen=True):
    import_: str = msgspec.field(name="import")


class ImportStateAnswer(Given, frozen=True):
    state: Literal["receiving", "reading", "done", "failed"]
    bytes: int
    size: int
    problem: JsonObject | None = None
    report: JsonObject | None = None


class ImportShape(Given, frozen=True):
    import_: str = msgspec.field(name="import")
    at_micros: int
    report: JsonObject


class ImportsAnswer(Given, frozen=True):
    imports: list[ImportShape]


class PersonShape(Given, frozen=True):
    principal: PrincipalShape
    identifiers: list[JsonObject]
    has_account: bool
    acts: list[str]


class PeopleAnswer(Given, frozen=True):
    people: list[PersonShape]
    methods: list[str]
    next: str | None


class UnboundAnswer(Given, frozen=True):
    principal: PrincipalShape
    bound_at: int
    imports: int


class InvitationAnswer(Given, frozen=True):
    setup_token: str
    principal: str


class NamedShape(Given, frozen=True):
    id: str
    display_name: str
    role: str


class ActionShape(Given, frozen=True):
    at: int
    action: str
    actor: NamedShape | None
    subject: NamedShape


class ActionsAnswer(Given, frozen=True):
    actions: list[ActionShape]
    next: int | None
