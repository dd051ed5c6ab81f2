// The clinical documents of a record, one list a type. Each list is a reading of its own, made when it is opened.

import { get } from "../api.js";
import { by, h } from "../dom.js";
import { described } from "../documents.js";
import { t } from "../messages.js";
import { enter, guarded } from "../session.js";

const TYPES = [
  "Condition", "AllergyIntolerance", "MedicationRequest", "MedicationStatement", "Immunization", "Observation",
  "Procedure", "DiagnosticReport", "Encounter", "CarePlan", "CareTeam", "Goal", "Device", "ImagingStudy",
  "DocumentReference", "FamilyMemberHistory", "Patient",
];
const OPEN = ["Condition", "AllergyIntolerance", "MedicationRequest", "Immunization"];
const SHOWN_STEP = 50;
const { role, patient } = by("content").dataset;

await guarded(async () => {
  await enter(role);
  by("list").replaceChildren(...TYPES.map(section));
});

function section(type) {
  const count = h("span", { class: "soft small" });
  const content = h("div", { class: "documents" }, h("p", { class: "soft" }, t("layout.loading")));
  const box = h("details", { "data-type": type }, h("summary", {}, t(`resource.${type}`), " ", count), content);
  let asked = false;
  box.addEventListener("toggle", () => {
    if (!box.open || asked) return;
    asked = true;
    guarded(async () => {
      const of = patient ? `&patient=${encodeURIComponent(patient)}` : "";
      const { documents } = await get(`/api/documents?type=${type}${of}`);
      count.textContent = `(${documents.length})`;
      list(content, documents);
    });
  });
  box.open = OPEN.includes(type);
  return box;
}

function list(place, documents, shown = SHOWN_STEP) {
  if (!documents.length) return place.replaceChildren(h("p", { class: "soft" }, t(patient ? "chart.none.limited" : "chart.none")));
  const more = h("button", { type: "button" }, t("chart.more"));
  more.addEventListener("click", () => list(place, documents, shown + SHOWN_STEP));
  place.replaceChildren(h("ul", { class: "document-list" }, documents.slice(0, shown).map(item)), ...(documents.length > shown ? [more] : []));
}

function item(resource) {
  const { title, when, status, facts } = described(resource);
  return h(
    "li",
    {},
    h("p", { class: "row row-apart" }, h("strong", {}, title), status ? h("span", { class: "tag" }, status) : null),
    when ? h("p", { class: "small soft" }, when) : null,
    facts.length ? h("dl", { class: "facts small" }, facts.flatMap(([name, value]) => [h("dt", {}, name), h("dd", {}, value)])) : null,
  );
}
