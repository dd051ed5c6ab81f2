// Checking an evidence file in this browser: nothing of it is sent anywhere.

import { get } from "../api.js";
import { by, h } from "../dom.js";
import { named, t } from "../messages.js";
import { ready } from "../session.js";

// One byte more than an evidence file may have.
const FILE_BYTES_READ_MAX = 32 * 1024 ** 2 + 1;
// How the verifier calls a chain that no outsider has seen.
const EMBEDDED = "embedded: consistency only";
const english = await get("/messages/en.json");
const PROOF = new Map(Object.entries(english).filter(([key]) => key.startsWith("proof.")).map(([key, text]) => [text, key]));

by("form").addEventListener("submit", (event) => event.preventDefault());
by("file").addEventListener("change", async () => {
  const file = by("file").files[0];
  if (!file) return;
  by("outcome").replaceChildren(h("p", { class: "soft" }, t("evidence.checking")));
  // Its bytes: as text, a byte order mark would be gone before anybody judged it. Too long is too long, read or not.
  const content = new Uint8Array(await file.slice(0, FILE_BYTES_READ_MAX).arrayBuffer());
  by("outcome").replaceChildren(...(await outcome(content)));
  by("outcome").focus();
});

ready();

async function outcome(content) {
  let verifier;
  try {
    verifier = await import("../evidence.js");
  } catch {
    return [h("p", { class: "notice notice-warn" }, t("evidence.missing"))];
  }
  try {
    const { claims } = await verifier.verifyEvidence(content);
    // What is no such file at all fails in one way, not in twelve.
    if (!claims.some((claim) => claim.ok)) return [unreadable("none")];
    return shown(claims);
  } catch (error) {
    return [unreadable(error.name)];
  }
}

function unreadable(name) {
  return h("p", { class: "notice notice-stop", "data-failed": name }, t("evidence.unreadable"));
}

function shown(claims) {
  const good = claims.length > 0 && claims.every((claim) => claim.ok);
  const head = h("p", { class: `notice ${good ? "notice-good" : "notice-stop"}`, "data-good": String(good) }, h("strong", {}, t(good ? "evidence.holds" : "evidence.fails")));
  const items = claims.map((claim) =>
    h(
      "li",
      { class: "card", "data-claim": claim.name, "data-ok": String(claim.ok) },
      h("p", { class: "row row-apart" }, h("strong", {}, named("claim", claim.name)), h("span", { class: `tag ${claim.ok ? "tag-good" : "tag-unusable"}` }, t(claim.ok ? "evidence.ok" : "evidence.not-ok"))),
      h("p", { class: "small" }, claim.said.map(worded).join(t("sentence.list"))),
    ),
  );
  const last = claims.at(-1);
  const trust = last.ok ? last.said.map((each) => h("li", {}, worded(each))) : [];
  const own = claims.some(({ said }) => said.some(({ template }) => template === EMBEDDED));
  return [
    head,
    h("ul", { class: "stack plain-list" }, items),
    h("section", {}, h("h2", {}, t("evidence.anchors")), h("p", {}, t("evidence.anchors.text")), h("ul", {}, trust), own ? h("p", { id: "embedded" }, t("evidence.embedded")) : null),
    h("p", { class: "hint" }, t("evidence.limits")),
  ];
}

// The verifier is one file without words of other languages: its English templates are the keys.
function worded({ template, values }) {
  const shown = Object.fromEntries(Object.entries(values).map(([name, value]) => [name, valueWorded(name, value)]));
  return PROOF.has(template) ? t(PROOF.get(template), shown) : template;
}

function valueWorded(name, value) {
  if (typeof value === "object") return worded(value);
  if (name === "method") return named("method", value);
  return name === "part" ? named("proof.part", value) : value;
}
