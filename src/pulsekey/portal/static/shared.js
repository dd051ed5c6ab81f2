// The patients who let this clinician in now.

import { get } from "./api.js";
import { by } from "./dom.js";
import { t } from "./messages.js";

export const shared = async () => (await get("/api/shared")).patients;

/** What one patient shares now: {displayName, categories, until}; undefined where nothing (more) is. */
export const sharedBy = async (patient) => (await shared()).find((each) => each.patient === patient);

/**
 * Say whose record it is. Who shares nothing (more) has no name here, but is asked for all the same: whoever opens a
 * page that was stopped has tried to read it, and the patient sees that.
 */
export async function nameOf(patient) {
  by("whose").textContent = (await sharedBy(patient))?.displayName ?? t("patients.unknown");
}

/** What stands where nothing may be read, or not any more. */
export const nothingOpen = () => t("record.none.clinician");
