// The patients who let this clinician in now.

import { get } from "./api.js";
import { t } from "./messages.js";

export const shared = async () => (await get("/api/shared")).patients;

/** The name of a patient, or a plain word where access has ended meanwhile. */
export async function nameOf(patient) {
  const found = (await shared()).find((each) => each.patient === patient);
  return found?.displayName ?? t("patients.unknown");
}
