// A FHIR R4 resource in words: what it is, when, its status as it came, and a few facts. Nothing is judged.

import { named, t } from "./messages.js";
import { locale, number } from "./words.js";

const TITLES = {
  MedicationRequest: (r) => r.medicationCodeableConcept,
  MedicationStatement: (r) => r.medicationCodeableConcept,
  Immunization: (r) => r.vaccineCode,
  Encounter: (r) => r.type?.[0] ?? r.reasonCode?.[0],
  CarePlan: (r) => r.category?.at(-1),
  CareTeam: (r) => (r.name ? { text: r.name } : r.category?.[0]),
  Goal: (r) => r.description,
  Claim: (r) => r.type,
  Coverage: (r) => r.type ?? (r.payor?.[0]?.display && { text: r.payor[0].display }),
  ExplanationOfBenefit: (r) => r.type,
  Device: (r) => (r.deviceName?.[0]?.name ? { text: r.deviceName[0].name } : r.type),
  ImagingStudy: (r) => r.procedureCode?.[0] ?? r.series?.[0]?.bodySite,
  DocumentReference: (r) => r.type,
  FamilyMemberHistory: (r) => r.relationship,
  Patient: (r) => ({ text: r.name?.map(personName)[0] }),
};
const DATES = [
  "onsetDateTime", "effectiveDateTime", "effectivePeriod", "performedDateTime", "performedPeriod", "occurrenceDateTime",
  "authoredOn", "period", "billablePeriod", "created", "started", "date", "startDate", "recordedDate", "birthDate", "issued",
];
const PARTS_MAX = 20;

/** {title, when, status, facts: [[name, value]]} of a resource. */
export function described(resource) {
  const concept = TITLES[resource.resourceType]?.(resource) ?? resource.code;
  const title = words(concept) || named("resource", resource.resourceType);
  return { title, when: when(resource), status: statusOf(resource), facts: facts(resource) };
}

function statusOf(resource) {
  const code = resource.clinicalStatus?.coding?.[0]?.code ?? resource.status ?? resource.lifecycleStatus;
  return code ? named("clinical", code) : "";
}

function when(resource) {
  for (const name of DATES) {
    const value = resource[name];
    if (typeof value === "string") return day(value);
    if (value?.start) return lasting(day(value.start), value.end ? day(value.end) : "");
  }
  return "";
}

function lasting(first, last) {
  return last && last !== first ? t("record.period", { first, last }) : first;
}

function facts(resource) {
  const found = [];
  const add = (key, value) => value && found.push([t(key), value]);
  add("fact.value", valueOf(resource));
  for (const part of (resource.component ?? []).slice(0, PARTS_MAX)) found.push([words(part.code), valueOf(part)]);
  add("fact.ended", typeof resource.abatementDateTime === "string" && day(resource.abatementDateTime));
  add("fact.dosage", resource.dosageInstruction?.map(dosage).filter(Boolean).join("; "));
  add("fact.reason", resource.reasonCode?.map(words).filter(Boolean).join("; "));
  add("fact.reaction", resource.reaction?.flatMap((each) => each.manifestation ?? []).map(words).join("; "));
  add("fact.activities", resource.activity?.map((each) => words(each.detail?.code)).filter(Boolean).join("; "));
  add("fact.conclusion", resource.conclusion);
  add("fact.verification", resource.verificationStatus?.coding?.[0] && named("clinical", resource.verificationStatus.coding[0].code));
  return found;
}

function valueOf({ valueQuantity: quantity, valueCodeableConcept: concept, valueString: text, valueInteger: whole, valueBoolean: flag }) {
  if (quantity?.value !== undefined) return `${quantity.comparator ?? ""}${number(quantity.value)} ${quantity.unit ?? quantity.code ?? ""}`.trim();
  if (concept) return words(concept);
  if (whole !== undefined) return number(whole);
  if (flag !== undefined) return t(flag ? "fact.yes" : "fact.no");
  return text ?? "";
}

function dosage(each) {
  if (each.text) return each.text;
  const dose = each.doseAndRate?.[0]?.doseQuantity;
  const timing = each.timing?.repeat;
  const said = [];
  if (dose?.value !== undefined) said.push(`${number(dose.value)} ${dose.unit ?? ""}`.trim());
  if (timing?.frequency && timing.period) said.push(t("fact.times", { frequency: timing.frequency, period: timing.period, unit: named("ucum", timing.periodUnit) }));
  if (each.asNeededBoolean) said.push(t("fact.as-needed"));
  return said.join(", ");
}

function words(concept) {
  return concept?.text ?? concept?.coding?.find((each) => each.display)?.display ?? concept?.coding?.[0]?.code ?? "";
}

function personName({ text, given = [], family = "" }) {
  return text ?? [...given, family].join(" ").trim();
}

// A FHIR date may lack its day or month; what is not there is not invented. A time keeps its own zone.
function day(text) {
  const match = /^(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?/.exec(text);
  if (!match) return text;
  const [, year, month, date] = match;
  const options = date ? { dateStyle: "medium" } : month ? { year: "numeric", month: "long" } : { year: "numeric" };
  const at = new Date(Date.UTC(Number(year), Number(month ?? 1) - 1, Number(date ?? 1)));
  return new Intl.DateTimeFormat(locale, { timeZone: "UTC", ...options }).format(at);
}
