// Checking an evidence file in this browser: nothing of it is sent anywhere.

import { by, h } from "../dom.js";
import { named, t } from "../messages.js";
import { ready } from "../session.js";

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
    return shown(claims, anchors);
  } catch (error) {
    return [h("p", { class: "notice notice-stop", "data-failed": error.name }, t("evidence.unreadable"))];
  }
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
  return [
    head,
    h("ul", { class: "stack plain-list" }, items),
    h("section", {}, h("h2", {}, t("evidence.anchors")), h("p", {}, t("evidence.anchors.text")), h("ul", {}, trust)),
    h("p", { class: "hint" }, t("evidence.limits")),
  ];
}
