// Who read what and when, and who was refused and why. The patient's own reading is shown when asked for.

import { get } from "../api.js";
import { by, h } from "../dom.js";
import { named, t } from "../messages.js";
import { enter, guarded } from "../session.js";
import { categoryName, listed, momentMicros } from "../words.js";

let accesses = [];

await guarded(async () => {
  await enter("patient");
  ({ accesses } = await get("/api/accesses"));
  show();
});
by("own").addEventListener("change", show);

function show() {
  const own = by("own").checked;
  const shown = accesses.filter((each) => own || each.basis !== "self");
  by("list").replaceChildren(
    shown.length ? h("ol", { class: "log card" }, shown.map(item)) : h("p", { class: "card empty" }, t("reads.none")),
  );
}

function item(access) {
  const refused = access.basis === "refused";
  const who = access.basis === "self" ? t("reads.you") : access.readerName || t("reads.unknown");
  const mark = refused ? "tag-stopped" : access.basis === "consent" ? "tag-good" : "";
  return h(
    "li",
    { "data-basis": access.basis },
    h("span", { class: "small" }, momentMicros(access.atMicros)),
    h("span", {}, h("strong", {}, who), h("br"), h("span", { class: "small" }, what(access)), refused ? [h("br"), h("span", { class: "small" }, t("reads.why", { reason: named("refusal", access.reason) }))] : null),
    h("span", { class: `tag ${mark}` }, named("basis", access.basis)),
  );
}

function what(access) {
  const types = listed(access.types.map((type) => named("resource", type)));
  const purpose = named("purpose", access.purpose);
  if (!access.categories.length) return t("reads.what", { types, purpose });
  return t("reads.what.categories", { types, categories: listed(access.categories.map(categoryName)), purpose });
}
