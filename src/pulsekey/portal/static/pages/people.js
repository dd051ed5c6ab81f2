// An operator's list: confirm a clinician or another operator, bind a patient to identifiers, invite, suspend.

import { get, post } from "../api.js";
import { by, h } from "../dom.js";
import { valid } from "../form.js";
import { t } from "../messages.js";
import { enter, guarded, ready } from "../session.js";

const MARKS = { confirmed: "tag-good", registered: "tag-questionable", suspended: "tag-stopped" };
let methods = [];
let organisation = "";
let own = "";

await guarded(async () => {
  const me = await enter("operator");
  organisation = me.node.organisation;
  own = me.principal.id;
  if (me.principal.status !== "confirmed") return wait();
  await show();
});

by("invite").addEventListener("submit", (event) => {
  event.preventDefault();
  if (!valid(by("invite"))) return;
  guarded(async () => {
    const body = { displayName: by("invited-name").value.trim(), role: by("invited-role").value };
    const { setupToken } = await post("/api/invitations", body);
    by("invite").reset();
    by("invitation").replaceChildren(
      h("div", { class: "notice notice-good" }, h("p", {}, t("people.invited", { name: body.displayName })), h("p", {}, h("code", { class: "mono", id: "token" }, setupToken))),
    );
    await show();
  }, by("invite").querySelector("button"));
});
ready();

// Nobody confirms themselves, and until then the node answers nothing of this page.
function wait() {
  by("inviting").hidden = true;
  const words = [h("strong", {}, t("people.waiting")), h("p", {}, t("people.waiting.text"))];
  by("list").replaceChildren(h("div", { class: "notice notice-warn", id: "waiting" }, words));
}

async function show() {
  const answer = await get("/api/people");
  methods = answer.methods;
  by("list").replaceChildren(h("ul", { class: "stack plain-list" }, answer.people.map(card)));
}

function card({ principal, identifiers, hasAccount }) {
  const parts = [
    h("p", { class: "row row-apart" }, h("strong", {}, principal.displayName), h("span", { class: `tag ${MARKS[principal.status] ?? ""}` }, t(`status.${principal.status}`))),
    h("p", { class: "small soft" }, [t(`role.${principal.role}`), principal.status === "confirmed" ? principal.organisationName : ""].filter(Boolean).join(" · ")),
  ];
  for (const each of identifiers) parts.push(h("p", { class: "small" }, h("span", { class: "soft" }, each.system), " ", h("span", { class: "mono" }, each.value)));
  const { role, status } = principal;
  if (role !== "patient" && status === "registered" && principal.id !== own) parts.push(confirming(principal));
  if (role === "patient" && !hasAccount && status === "registered") parts.push(h("p", { class: "hint" }, t("people.no-account")));
  if (role === "patient" && hasAccount && ["registered", "confirmed"].includes(status)) parts.push(binding(principal));
  if (role !== "operator" && ["registered", "confirmed"].includes(status)) parts.push(suspending(principal));
  return h("li", { class: "card", "data-person": principal.id, "data-role": role, "data-status": status }, parts);
}

function confirming(principal) {
  const named = input(principal, "organisation", "people.organisation", { value: organisation, maxlength: "120" });
  const send = (fields) => ({ organisationName: fields.organisation, method: fields.method, reference: fields.reference });
  const key = principal.role === "operator" ? "people.confirm.operator" : "people.confirm";
  return form(principal, "confirmation", key, [named], send);
}

function binding(principal) {
  const fields = [
    input(principal, "system", "people.system", { maxlength: "255", placeholder: "urn:oid:1.2.36.146.595.217.0.1" }),
    input(principal, "value", "people.value", { maxlength: "255" }),
  ];
  const send = (found) => ({
    method: found.method,
    reference: found.reference,
    identifiers: [{ system: found.system, value: found.value }],
  });
  return form(principal, "enrolment", "people.bind", fields, send);
}

function form(principal, path, key, fields, body) {
  const id = `${path}-${principal.id}`;
  const options = [h("option", { value: "" }, t("people.choose")), ...methods.map((name) => h("option", { value: name }, t(`method.${name}`)))];
  const method = h("div", { class: "field" }, h("label", { for: `${id}-method` }, t("people.method")), h("select", { id: `${id}-method`, name: "method", required: true }, options));
  const made = h("form", { method: "dialog", novalidate: true, class: "inner" }, fields, method, input(principal, "reference", "people.reference", { maxlength: "120", hint: "people.reference.hint" }), h("button", {}, t(key)));
  made.addEventListener("submit", (event) => {
    event.preventDefault();
    if (!valid(made)) return;
    const given = Object.fromEntries([...new FormData(made)].map(([name, value]) => [name, value.trim()]));
    guarded(async () => {
      await post(`/api/people/${encodeURIComponent(principal.id)}/${path}`, body(given));
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

function suspending(principal) {
  const sure = h("button", { type: "button" }, t("people.suspend.confirm"));
  sure.addEventListener("click", () =>
    guarded(async () => {
      await post(`/api/people/${encodeURIComponent(principal.id)}/suspension`, {});
      await show();
    }, sure),
  );
  return h("details", { "data-form": "suspension" }, h("summary", {}, t("people.suspend")), h("p", {}, t("people.suspend.text")), sure);
}
