// Who is signed in, and what a page says when something fails.

import { ApiError, get, post, toSignIn } from "./api.js";
import { by, h } from "./dom.js";
import { explained } from "./explained.js";
import { named, t } from "./messages.js";
import { PasskeyError } from "./passkey.js";

const WAITING_MS = 4_000;

export const HOME = { patient: "/record", clinician: "/patients", operator: "/people" };

/**
 * Let the page go on for its role, or lead elsewhere. Resolves to `/api/me`, or never. A page where something is
 * `signing` needs the patient's account on the ledger; whoever did not open it yet may still read and add data.
 */
export async function enter(role, { signing = false } = {}) {
  const me = await get("/api/me");
  if (!me.principal) return leave(() => toSignIn("needed"));
  const { principal } = me;
  if (principal.role !== role) return leave(() => location.replace(HOME[principal.role]));
  if (signing && !me.account) return leave(() => location.replace("/register"));
  showSession(principal);
  return me;
}

/** Name who is signed in, with the way out. */
export function showSession(principal) {
  const out = h("button", { type: "button", class: "button-quiet", on: { click: signOut } }, t("session.sign-out"));
  by("session").replaceChildren(h("span", {}, t("session.as", { name: principal.displayName })), out);
  by("session").hidden = false;
  // On a phone the tabs scroll sideways: the one we are on is in sight.
  document.querySelector(".tabs [aria-current]")?.scrollIntoView({ inline: "center", block: "nearest" });
}

async function signOut() {
  await guarded(async () => {
    await post("/api/sign-out");
    location.assign("/");
  });
}

/**
 * Let the buttons of the page be pressed: its module listens now. Before, a press would be lost, and a form that
 * went out on its own would put what was typed into an address (its method "dialog" keeps it from that, too).
 */
export function ready() {
  for (const button of document.querySelectorAll("[data-ready]")) button.disabled = false;
}

/** Look now and then whether an operator has confirmed who waits, and go on then. */
export function untilConfirmed() {
  const timer = setInterval(async () => {
    const { principal } = await get("/api/me").catch(() => ({}));
    if (principal?.status !== "confirmed") return;
    clearInterval(timer);
    location.reload();
  }, WAITING_MS);
}

function leave(go) {
  go();
  return new Promise(() => {});
}

/** Run something; show what fails at the top of the page. Returns whether it went well. */
export async function guarded(work, button = null) {
  by("problem").replaceChildren();
  button?.setAttribute("aria-busy", "true");
  if (button) button.disabled = true;
  try {
    await work();
    return true;
  } catch (error) {
    if (!isExpected(error)) console.error(error.name, error.stack);
    // What did not come is not on its way any more.
    for (const waiting of document.querySelectorAll("[data-loading]")) waiting.remove();
    by("problem").replaceChildren(notice(error));
    by("problem").scrollIntoView({ block: "center" });
    return false;
  } finally {
    button?.removeAttribute("aria-busy");
    if (button) button.disabled = false;
  }
}

function isExpected(error) {
  return error instanceof ApiError || error instanceof PasskeyError || error.name === "Mismatch";
}

/** A failure in words that somebody can act on. */
export function notice(error) {
  const lines = [h("strong", {}, headline(error))];
  const why = error instanceof ApiError ? explained(error) : "";
  if (why) lines.push(h("span", {}, why));
  return h("div", { class: "notice notice-stop", "data-kind": error.kind ?? error.code ?? error.name }, lines);
}

function headline(error) {
  if (error instanceof PasskeyError) return named("passkey.problem", error.code);
  if (error.name === "Mismatch") return t("check.refused", { what: named("check.problem", error.code) });
  if (error instanceof ApiError) return named("error", error.kind, t("error.Failure"));
  return t("error.Failure");
}
