// Offer, check, gesture, send: the one way in which a page signs anything for the ledger.

import { get, post, toSignIn } from "./api.js";
import { checkOffer } from "./check.js";
import { h } from "./dom.js";
import { t } from "./messages.js";
import { authenticate, cancel } from "./passkey.js";
import { guarded } from "./session.js";

/** What every operation of somebody signed in has to say. */
export function wantedBy(me, kind, more = {}) {
  const keys = me.account?.keys.map((key) => key.keyId);
  return { kind, ledger: me.node.ledger, account: me.account?.account, patient: me.principal.patient, keys, ...more };
}

/** A stop that another operation overtook; see exchange/sign_operation.py. */
const OVERTAKEN = "another-change-was-confirmed-meanwhile";

/** The words of the consent sentence in `language`, by version. */
export const consentTexts = (language) => get(`/consent-texts/${language}.json`);

/**
 * Show an offer that was checked, with two answers of the same weight. `sentence`: what is confirmed; `allow` and
 * `refuse`: the labels; `done(step)` and `refused()` follow, or `overtaken(error)` where it is given.
 */
export function review(place, { offer, sentence, note = null, allow, refuse, done, refused, overtaken = null }) {
  const yes = h("button", { type: "button", "data-answer": "allow" }, allow);
  const no = h("button", { type: "button", "data-answer": "refuse" }, refuse);
  yes.addEventListener("click", () =>
    guarded(async () => {
      let step;
      try {
        step = await signed(offer);
      } catch (error) {
        if (error.code !== OVERTAKEN || !overtaken) throw error;
        return overtaken(error);
      }
      return done(step);
    }, yes),
  );
  no.addEventListener("click", () => {
    cancel();
    refused();
  });
  place.replaceChildren(
    ...[
      h("p", { class: "sentence", "data-state": "checked" }, sentence),
      note,
      h("p", { class: "hint checked" }, t("check.passed")),
      h("div", { class: "choice" }, yes, no),
      h("p", { class: "hint lock" }, t("passkey.lock")),
    ].filter(Boolean),
  );
}

/** Ask for the gesture over an offer that was checked, and send it. */
export async function signed(offer) {
  const credential = await authenticate(offer.options);
  try {
    return await post("/api/operations", { offer: offer.offer, credential }, { open: true });
  } catch (error) {
    // A 401 here means a gesture that does not hold, or a session that ended while somebody read.
    if (error.kind === "NotAuthenticated" && !(await get("/api/me")).principal) toSignIn("expired");
    throw error;
  }
}

/** Fetch an offer and check it. Nothing is shown, and no gesture asked, if the check fails. */
export async function checkedOffer(path, body, wanted, texts = null) {
  const offer = await post(path, body);
  const found = await checkOffer(offer, wanted, texts);
  return { offer, ...found };
}
