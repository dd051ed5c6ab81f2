// An operator's list: find people, confirm them, bind patients to identifiers, invite, and end accounts.

import { get, post } from "../api.js";
import { announce, by, h, reveal } from "../dom.js";
import { valid } from "../form.js";
import { t } from "../messages.js";
import { enter, guarded, ready, untilConfirmed } from "../session.js";
import { moment } from "../words.js";

const MARKS = { confirmed: "tag-good", registered: "tag-questionable", suspended: "tag-stopped", closed: "tag-stopped" };
const PATHS = { withdraw: "withdrawal", suspend: "suspension", reinstate: "reinstatement", close: "closing" };
const ALARM_SECONDS = 30 * 86_400;
const rows = h("ul", { class: "stack plain-list" });
let methods = [];
let organisation = "";
let own = "";
let sought = {};
let next = null;

await guarded(async () => {
  const me = await enter("operator");
  organisation = me.node.organisation;
  own = me.principal.id;
  if (me.principal.status !== "confirmed") return wait();
  await show();
  await warn();
});

by("invite").addEventListener("submit", (event) => {
  event.preventDefault();
  if (!valid(by("invite"))) return;
  guarded(async () => {
    const body = { displayName: by("invited-name").value.trim(), role: by("invited-role").value };
    const { setupToken } = await post("/api/invitations", body);
    by("invite").reset();
    by("invitation").replaceChildren(token(body.displayName, setupToken));
    await show();
  }, by("invite").querySelector("button"));
});
by("search").addEventListener("submit", (event) => {
  event.preventDefault();
  if (!valid(by("search"))) return;
  sought = { text: by("sought").value.trim(), role: by("sought-role").value, status: by("sought-status").value };
  guarded(show, by("search").querySelector("button"));
});
by("more").addEventListener("click", () => guarded(more, by("more")));
ready();

// Nobody confirms themselves, and until then the node answers nothing of this page.
function wait() {
  by("inviting").hidden = true;
  by("search").hidden = true;
  const words = [h("strong", {}, t("people.waiting")), h("p", {}, t("people.waiting.text"))];
  by("list").replaceChildren(h("div", { class: "notice notice-warn", id: "waiting" }, words));
  untilConfirmed();
}

async function show() {
  next = null;
  rows.replaceChildren();
  await more();
  by("list").replaceChildren(rows);
}

// A search opens a bounded number of names a call: it may find nothing yet and still lead on.
async function more() {
  const answer = await post("/api/people/search", { ...sought, after: next ?? "" });
  methods = answer.methods;
  next = answer.next;
  rows.append(...answer.people.map(card));
  by("more").hidden = next === null;
  const found = rows.children.length;
  const said = found ? t("people.found", { count: found }) : t(next === null ? "people.found.none" : "people.found.none-yet");
  by("found").textContent = next !== null && found ? `${said} ${t("people.found.more")}` : said;
  announce(by("found").textContent);
}

// What came from the machine's own console, every operator shall know without looking for it.
async function warn() {
  const { actions } = await get("/api/actions");
  const now = Date.now() / 1000;
  const alarming = actions.filter((each) => each.action.startsWith("console-") && now - each.at < ALARM_SECONDS);
  by("alarm").hidden = alarming.length === 0;
  by("alarm").replaceChildren(
    h("strong", {}, t("people.console")),
    ...alarming.map(({ action, at, subject }) => h("p", {}, t(`action.${action}`, { actor: t("actions.console"), subject: subject.displayName }), " ", h("span", { class: "small soft" }, moment(at)))),
    h("p", {}, t("people.console.text")),
  );
}

function token(name, setupToken) {
  return h("div", { class: "notice notice-good" }, h("p", {}, t("people.invited", { name })), h("p", {}, h("code", { class: "mono", id: "token" }, setupToken)));
}

function card({ principal, identifiers, hasAccount, acts }) {
  const parts = [
    h("p", { class: "row row-apart" }, h("strong", {}, principal.displayName), h("span", { class: `tag ${MARKS[principal.status] ?? ""}` }, t(`status.${principal.status}`))),
    h("p", { class: "small soft" }, [t(`role.${principal.role}`), principal.status === "confirmed" ? principal.organisationName : "", principal.id === own ? t("people.you") : ""].filter(Boolean).join(" · ")),
  ];
  const { role, status } = principal;
  for (const each of identifiers) parts.push(h("p", { class: "small" }, h("span", { class: "soft" }, each.system), " ", h("span", { class: "mono" }, each.value)));
  if (role !== "patient" && status === "registered" && principal.id !== own) parts.push(confirming(principal));
  if (role === "patient" && !hasAccount && status === "registered") parts.push(h("p", { class: "hint" }, t("people.no-account")));
  if (role === "patient" && hasAccount && status === "registered") parts.push(enrolling(principal, identifiers[0]));
  if (role === "patient" && status === "confirmed") parts.push(binding(principal));
  if (status === "invited") parts.push(inviting(principal));
  // What corrects or ends something is rare: it stays out of the way, and out of reach of a slip.
  const rare = [...identifiers.map((each) => unbinding(principal, each)), ...acts.map((act) => acting(principal, act))];
  if (rare.length) parts.push(h("details", { "data-rare": true }, h("summary", {}, t("people.change")), rare));
  return h("li", { class: "card", "data-person": principal.id, "data-role": role, "data-status": status }, parts);
}

function confirming(principal) {
  const named = input(principal, "organisation", "people.organisation", { value: organisation, maxlength: "120" });
  const send = (fields) => ({ organisationName: fields.organisation, method: fields.method, reference: fields.reference });
  const key = principal.role === "operator" ? "people.confirm.operator" : "people.confirm";
  return form(principal, "confirmation", key, [named, ...checking(principal, "confirmation")], send);
}

// An identifier that is bound already is what the operator most likely checks.
function identifying(principal, { system = "", value = "" } = {}) {
  return [
    input(principal, "system", "people.system", { maxlength: "255", placeholder: "urn:oid:1.2.36.146.595.217.0.1", value: system }),
    input(principal, "value", "people.value", { maxlength: "255", value }),
  ];
}

function enrolling(principal, bound) {
  const send = ({ system, value, method, reference }) => ({ method, reference, identifiers: [{ system, value }] });
  return form(principal, "enrolment", "people.bind", [...identifying(principal, bound), ...checking(principal, "enrolment")], send);
}

function binding(principal) {
  const send = (fields) => ({ identifiers: [fields] });
  return form(principal, "bindings", "people.bind.more", identifying(principal), send);
}

function unbinding(principal, identifier) {
  const sure = h("button", { type: "button", class: "button-stop" }, t("people.unbind.confirm"));
  sure.addEventListener("click", () =>
    guarded(async () => {
      const { imports } = await post(pathOf(principal, "unbinding"), identifier);
      await show();
      by("told").replaceChildren(h("strong", {}, t("people.unbound", { name: principal.displayName })), h("p", {}, imports ? t("people.unbound.imports", { count: imports }) : t("people.unbound.none")), h("p", {}, t("people.unbound.next")));
      reveal(by("told"));
    }, sure),
  );
  const words = [h("p", {}, t("people.unbind.text")), h("p", {}, t("people.unbind.kept"))];
  return h("details", { "data-form": "unbinding" }, h("summary", {}, t("people.unbind", { value: identifier.value })), words, sure);
}

function inviting(principal) {
  const again = h("button", { type: "button" }, t("people.invite.again"));
  const place = h("div", { role: "status" });
  again.addEventListener("click", () =>
    guarded(async () => {
      const { setupToken } = await post(pathOf(principal, "invitation"), {});
      place.replaceChildren(token(principal.displayName, setupToken));
    }, again),
  );
  return h("details", { "data-form": "invitation" }, h("summary", {}, t("people.invite.again")), h("p", {}, t("people.invite.again.text")), again, place);
}

function acting(principal, act) {
  const sure = h("button", { type: "button", class: act === "reinstate" ? null : "button-stop" }, t(`act.${act}.confirm`));
  sure.addEventListener("click", () =>
    guarded(async () => {
      await post(pathOf(principal, PATHS[act]), {});
      await show();
    }, sure),
  );
  const words = [h("p", {}, t(`act.${act}.text`)), act === "suspend" && principal.role === "patient" ? h("p", {}, t("people.suspend.patient")) : null];
  return h("details", { "data-form": PATHS[act] }, h("summary", {}, t(`act.${act}`)), words, sure);
}

function pathOf(principal, verb) {
  return `/api/people/${encodeURIComponent(principal.id)}/${verb}`;
}

function checking(principal, path) {
  const id = `${path}-${principal.id}-method`;
  const options = [h("option", { value: "" }, t("people.choose")), ...methods.map((name) => h("option", { value: name }, t(`method.${name}`)))];
  return [
    h("div", { class: "field" }, h("label", { for: id }, t("people.method")), h("select", { id, name: "method", required: true }, options)),
    input(principal, "reference", "people.reference", { maxlength: "120", hint: "people.reference.hint" }),
  ];
}

function form(principal, path, key, fields, body) {
  const made = h("form", { method: "dialog", novalidate: true, class: "inner" }, fields, h("button", {}, t(key)));
  made.addEventListener("submit", (event) => {
    event.preventDefault();
    if (!valid(made)) return;
    const given = Object.fromEntries([...new FormData(made)].map(([name, value]) => [name, value.trim()]));
    guarded(async () => {
      await post(pathOf(principal, path), body(given));
      await show();
    }, made.querySelector("button"));
  });
  return h("details", { "data-form": path }, h("summary", {}, t(key)), made);
}

function input(principal, name, key, { hint = null, ...attributes }) {
  const id = `${name}-${principal.id}`;
  return h(
    "div",
    { class: "field" },
    h("label", { for: id }, t(key)),
    h("input", { id, name, required: true, autocomplete: "off", "aria-describedby": hint && `${id}-hint`, ...attributes }),
    hint ? h("span", { class: "hint", id: `${id}-hint` }, t(hint)) : null,
  );
}
