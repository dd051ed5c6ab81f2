// The patients who let this clinician in now.

import { get } from "./api.js";
import { t } from "./messages.js";

export const shared = async () => (await get("/api/shared")).patients;

/** What one patient shares now: {displayName, categories, until}; undefined where nothing (more) is. */
export const sharedBy = async (patient) => (await shared()).find((each) => each.patient === patient);

/** What stands where nothing may be read, or not any more. */
export const nothingOpen = () => t("record.none.clinician");
