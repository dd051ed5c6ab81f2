// The clinical documents of a record: what there is of each type first, then one list a type, read when it is opened.
// A clinician sees only types that the patient shares, and of them only what is there.

import { get, isClosed } from "../api.js";
import { by, h } from "../dom.js";
import { described } from "../documents.js";
import { named, t } from "../messages.js";
import { enter, guarded } from "../session.js";
import { nameOf, nothingOpen } from "../shared.js";
import { number } from "../words.js";

// What matters most stands first; types that are not named follow in the order of their names.
const ORDER = [
  "Condition", "AllergyIntolerance", "MedicationRequest", "MedicationStatement", "Immunization", "Observation",
  "Procedure", "DiagnosticReport", "Encounter", "CarePlan", "CareTeam", "Goal", "Device", "ImagingStudy",
  "DocumentReference", "FamilyMemberHistory", "Claim", "ExplanationOfBenefit", "Coverage", "Patient",
];
const OPEN = ["Condition", "AllergyIntolerance", "MedicationRequest", "Immunization"];
const SHOWN_STEP = 50;
const { role, patient } = by("content").dataset;
const of = patient ? `patient=${encodeURIComponent(patient)}` : "";

await guarded(async () => {
  await enter(role);
  if (patient) await nameOf(patient);
  const chart = await unlessClosed(() => get(`/api/chart?${of}`));
  by("list").replaceChildren(...(chart ? sections(chart) : [empty(nothingOpen())]));
});
by("list").removeAttribute("aria-busy");

function sections({ counts, cut }) {
  const place = (type) => (ORDER.includes(type) ? ORDER.indexOf(type) : ORDER.length);
  const types = Object.keys(counts).sort((a, b) => place(a) - place(b) || a.localeCompare(b));
  if (!types.length) return [empty(t(patient ? "chart.none.limited" : "chart.none"))];
  return [...(cut ? [h("p", { class: "notice" }, t("chart.cut"))] : []), ...types.map((type) => section(type, counts[type], cut))];
}

function empty(text) {
  return h("div", { class: "card empty" }, h("p", {}, text));
}

function section(type, held, cut) {
  const count = h("span", { class: "soft small" }, `(${number(held)}${cut ? "+" : ""})`);
  const content = h("div", { class: "documents" });
  const box = h("details", { "data-type": type }, h("summary", {}, named("resource", type), " ", count), content);
  let asked = false;
  box.addEventListener("toggle", () => {
    if (!box.open || asked) return;
    asked = true;
    content.replaceChildren(h("p", { class: "soft", "data-loading": true }, t("layout.loading")));
    guarded(async () => {
      const found = await unlessClosed(() => get(`/api/documents?type=${type}&${of}`));
      if (found) list(content, found);
      else content.replaceChildren(h("p", { class: "soft" }, nothingOpen()));
    });
  });
  box.open = OPEN.includes(type);
  return box;
}

// Null where the patient has stopped it meanwhile.
async function unlessClosed(read) {
  try {
    return await read();
  } catch (error) {
    if (patient && isClosed(error)) return null;
    throw error;
  }
}

function list(place, found, shown = SHOWN_STEP) {
  const { documents, cut } = found;
  const more = h("button", { type: "button", on: { click: () => list(place, found, shown + SHOWN_STEP) } }, t("chart.more"));
  const rest = documents.length > shown ? [more] : cut ? [h("p", { class: "soft" }, t("chart.newest", { count: documents.length }))] : [];
  place.replaceChildren(h("ul", { class: "document-list" }, documents.slice(0, shown).map(item)), ...rest);
}

function item(resource) {
  const { title, when, status, facts } = described(resource);
  return h(
    "li",
    {},
    h("p", {}, h("strong", {}, title)),
    h("p", { class: "row row-apart small soft" }, h("span", {}, when), status ? h("span", { class: "tag" }, status) : null),
    facts.length ? h("dl", { class: "facts small" }, facts.flatMap(([name, value]) => [h("dt", {}, name), h("dd", {}, value)])) : null,
  );
}
