// The clinical documents of a record, one list a type. Each list is a reading of its own, made when it is opened.
// A clinician is offered only what the patient shares: nobody is logged for asking what nobody offered.

import { get, isClosed } from "../api.js";
import { by, h } from "../dom.js";
import { described } from "../documents.js";
import { t } from "../messages.js";
import { enter, guarded } from "../session.js";
import { mayHold, nothingOpen, sharedBy } from "../shared.js";

const TYPES = [
  "Condition", "AllergyIntolerance", "MedicationRequest", "MedicationStatement", "Immunization", "Observation",
  "Procedure", "DiagnosticReport", "Encounter", "CarePlan", "CareTeam", "Goal", "Device", "ImagingStudy",
  "DocumentReference", "FamilyMemberHistory", "Claim", "ExplanationOfBenefit", "Coverage", "Patient",
];
const OPEN = ["Condition", "AllergyIntolerance", "MedicationRequest", "Immunization"];
const SHOWN_STEP = 50;
const { role, patient } = by("content").dataset;

await guarded(async () => {
  await enter(role);
  const types = patient ? await offered() : TYPES;
  by("list").replaceChildren(...(types.length ? types.map(section) : [closed()]));
});

async function offered() {
  const found = await sharedBy(patient);
  return TYPES.filter((type) => found && mayHold(type, found.categories));
}

function closed() {
  return h("p", { class: "card empty" }, nothingOpen());
}

function section(type) {
  const count = h("span", { class: "soft small" });
  const content = h("div", { class: "documents" });
  const box = h("details", { "data-type": type }, h("summary", {}, t(`resource.${type}`), " ", count), content);
  let asked = false;
  box.addEventListener("toggle", () => {
    if (!box.open || asked) return;
    asked = true;
    content.replaceChildren(h("p", { class: "soft", "data-loading": true }, t("layout.loading")));
    guarded(async () => {
      const documents = await read(type);
      count.textContent = documents ? `(${documents.length})` : "";
      if (documents) list(content, documents);
      else content.replaceChildren(h("p", { class: "soft" }, nothingOpen()));
    });
  });
  box.open = OPEN.includes(type);
  return box;
}

// Null where the patient has stopped it meanwhile.
async function read(type) {
  const of = patient ? `&patient=${encodeURIComponent(patient)}` : "";
  try {
    return (await get(`/api/documents?type=${type}${of}`)).documents;
  } catch (error) {
    if (patient && isClosed(error)) return null;
    throw error;
  }
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
