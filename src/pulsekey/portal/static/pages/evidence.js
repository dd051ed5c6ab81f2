// Checking an evidence file in this browser: nothing of it is sent anywhere.

import { by, h } from "../dom.js";
import { named, t } from "../messages.js";
import { ready } from "../session.js";

// How the verifier calls a chain that no outsider has seen.
const EMBEDDED = "embedded: consistency only";

by("form").addEventListener("submit", (event) => event.preventDefault());
by("file").addEventListener("change", async () => {
  const file = by("file").files[0];
  if (!file) return;
  by("outcome").replaceChildren(h("p", { class: "soft" }, t("evidence.checking")));
  by("outcome").replaceChildren(...(await outcome(await file.text())));
  by("outcome").focus();
});

ready();

async function outcome(text) {
  let verifier;
  try {
    verifier = await import("../evidence.js");
  } catch {
    return [h("p", { class: "notice notice-warn" }, t("evidence.missing"))];
  }
  try {
    const { claims, anchors } = await verifier.verifyEvidence(text);
    // What is no such file at all fails in one way, not in twelve.
    if (!claims.some((claim) => claim.ok)) return [unreadable("none")];
    return shown(claims, anchors);
  } catch (error) {
    return [unreadable(error.name)];
  }
}

function unreadable(name) {
  return h("p", { class: "notice notice-stop", "data-failed": name }, t("evidence.unreadable"));
}

function shown(claims, anchors) {
  const good = claims.length > 0 && claims.every((claim) => claim.ok);
  const head = h("p", { class: `notice ${good ? "notice-good" : "notice-stop"}`, "data-good": String(good) }, h("strong", {}, t(good ? "evidence.holds" : "evidence.fails")));
  const items = claims.map((claim) =>
    h(
      "li",
      { class: "card", "data-claim": claim.name, "data-ok": String(claim.ok) },
      h("p", { class: "row row-apart" }, h("strong", {}, named("claim", claim.name)), h("span", { class: `tag ${claim.ok ? "tag-good" : "tag-unusable"}` }, t(claim.ok ? "evidence.ok" : "evidence.not-ok"))),
      claim.detail ? h("p", { class: "small", lang: "en" }, String(claim.detail)) : null,
    ),
  );
  const trust = [anchors ?? []].flat().map((each) => h("li", { lang: "en" }, typeof each === "string" ? each : JSON.stringify(each)));
  const own = claims.some((claim) => String(claim.detail).includes(EMBEDDED));
  return [
    head,
    h("ul", { class: "stack plain-list" }, items),
    h("section", {}, h("h2", {}, t("evidence.anchors")), h("p", {}, t("evidence.anchors.text")), h("ul", {}, trust), own ? h("p", { id: "embedded" }, t("evidence.embedded")) : null),
    h("p", { class: "hint" }, t("evidence.limits")),
  ];
}
