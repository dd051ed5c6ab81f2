// The patients who let this clinician in now, and which documents of theirs may be asked for.

import { get } from "./api.js";
import { t } from "./messages.js";

const ANY = null;
const SENSITIVE = ["mental-health", "substance-use", "reproductive-health"];
const CODED = [...SENSITIVE, "unclassified"];
// Every category that a document of a type can have, as the node classifies them. What is not in the table is of
// unknown kind.
const CATEGORIES = {
  AllergyIntolerance: ["allergies"],
  CarePlan: ["care-plans", ...CODED],
  CareTeam: ["care-plans"],
  Claim: ["insurance"],
  Condition: ["conditions", ...CODED],
  Coverage: ["insurance"],
  Device: ["devices"],
  DiagnosticReport: ["reports", ...CODED],
  DocumentReference: ["documents"],
  Encounter: ["encounters"],
  ExplanationOfBenefit: ["insurance"],
  ImagingStudy: ["imaging"],
  Immunization: ["immunisations"],
  MedicationRequest: ["medication", ...CODED],
  MedicationStatement: ["medication", ...CODED],
  Observation: ANY,
  Patient: ["demographics"],
  Procedure: ["procedures", ...CODED],
};

export const shared = async () => (await get("/api/shared")).patients;

/** What one patient shares now: {displayName, categories, until}; undefined where nothing (more) is. */
export const sharedBy = async (patient) => (await shared()).find((each) => each.patient === patient);

/** Whether somebody who was let into `categories` may find documents of a type at all. */
export function mayHold(type, categories) {
  const possible = type in CATEGORIES ? CATEGORIES[type] : CODED;
  return possible === ANY ? categories.length > 0 : possible.some((each) => categories.includes(each));
}

/** What stands where nothing may be read, or not any more. */
export const nothingOpen = () => t("record.none.clinician");
