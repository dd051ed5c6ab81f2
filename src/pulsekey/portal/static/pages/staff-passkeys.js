// Passkeys of clinicians and operators. Adding or removing one is confirmed with one that is there already.

import { get, post, toSignIn } from "../api.js";
import { by, h, reveal } from "../dom.js";
import { valid } from "../form.js";
import { keyCard, keyName } from "../keys.js";
import { t } from "../messages.js";
import { authenticate, cancel, register } from "../passkey.js";
import { enter, guarded, ready } from "../session.js";

await guarded(async () => {
  await enter(by("content").dataset.role);
  show((await get("/api/passkeys")).keys);
});

by("add").addEventListener("submit", (event) => {
  event.preventDefault();
  if (!valid(by("add"))) return;
  const name = by("new-name").value.trim();
  guarded(async () => {
    const credential = await gesture({ action: "add" });
    const { options } = await sent("/api/passkeys/options", { credential });
    // A press of its own for the second ceremony: some browsers want one for each.
    ask(t("passkeys.staff.make"), t("passkeys.add.button"), t("passkeys.staff.not-now"), async () => {
      const made = await register(options);
      const { keys } = await sent("/api/passkeys", { credential: made, name });
      by("add").reset();
      show(keys);
    });
  }, by("add").querySelector("button"));
});
ready();

function show(keys) {
  by("list").replaceChildren(h("ul", { class: "stack plain-list" }, keys.map((key, index) => keyCard(key, index, { changed: show, remove: removing(key, index, keys.length) }))));
  by("only").hidden = keys.length > 1;
}

function removing(key, index, count) {
  // The passkey that confirms stays, so the one in use is not offered, and the last one never.
  if (key.current || count < 2) return null;
  const button = h("button", { type: "button" }, t("passkeys.remove"));
  const question = t("passkeys.staff.remove", { name: keyName(key, index) });
  button.addEventListener("click", () =>
    ask(question, t("passkeys.remove.confirm"), t("passkeys.keep"), async () => {
      const credential = await gesture({ action: "remove", keyId: key.keyId });
      show((await sent(`/api/passkeys/${key.keyId}/removal`, { credential })).keys);
    }),
  );
  return button;
}

/** Ask, with two answers of the same weight; `work` follows a yes. */
function ask(question, yes, no, work) {
  const allow = h("button", { type: "button", "data-answer": "allow" }, yes);
  const refuse = h("button", { type: "button", "data-answer": "refuse" }, no);
  const end = () => {
    by("review").hidden = true;
    by("review").replaceChildren();
  };
  allow.addEventListener("click", () =>
    guarded(async () => {
      await work();
      end();
    }, allow),
  );
  refuse.addEventListener("click", () => {
    cancel();
    end();
  });
  by("review").replaceChildren(h("p", { class: "sentence" }, question), h("div", { class: "choice" }, allow, refuse), h("p", { class: "hint lock" }, t("passkey.lock")));
  reveal(by("review"));
}

async function gesture(deed) {
  const { options } = await post("/api/passkeys/confirmation", deed);
  return authenticate(options);
}

/** Send what a device answered. A 401 means that it does not hold, or that the session has ended meanwhile. */
async function sent(path, body) {
  try {
    return await post(path, body, { open: true });
  } catch (error) {
    if (error.kind === "NotAuthenticated" && !(await get("/api/me")).principal) toSignIn("expired");
    throw error;
  }
}
