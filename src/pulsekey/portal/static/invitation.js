// Registering with a token that somebody handed over: at set-up, or after an invitation.

import { ApiError, post } from "./api.js";

/** What the device needs to make a passkey for `body`. A token that does not hold is said to be just that. */
export async function optionsFor(body) {
  try {
    return (await post("/api/registrations/options", body, { open: true })).options;
  } catch (error) {
    if (error instanceof ApiError && error.kind === "NotAuthenticated") throw new ApiError("TokenRefused", "");
    throw error;
  }
}
