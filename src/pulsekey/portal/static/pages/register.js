// Registering in two steps: a passkey, then the patient's own account on the ledger.

import { get, post } from "../api.js";
import { by, h, reveal } from "../dom.js";
import { t } from "../messages.js";
import { publicPoint, register } from "../passkey.js";
import { HOME, guarded, ready, showSession } from "../session.js";
import { checkedOffer, review, wantedBy } from "../signing.js";
import { valid } from "../form.js";

let publicKey = null;

await guarded(async () => {
  const me = await get("/api/me");
  if (me.principal && (me.principal.role !== "patient" || me.account)) location.replace(HOME[me.principal.role]);
  else if (me.principal) await openAccount(me);
});

by("form").addEventListener("submit", (event) => {
  event.preventDefault();
  if (!valid(by("form"))) return;
  guarded(async () => {
    const displayName = by("name").value.trim();
    const { options } = await post("/api/registrations/options", { role: "patient", displayName });
    const credential = await register(options);
    publicKey = publicPoint(credential);
    await post("/api/registrations", { credential }, { open: true });
    await openAccount(await get("/api/me"));
  }, by("form").querySelector("button"));
});
ready();

async function openAccount(me) {
  showSession(me.principal);
  by("make").hidden = true;
  step(2);
  reveal(by("open"));
  const again = h("button", { type: "button" }, t("register.again"));
  again.addEventListener("click", () => guarded(() => offerAccount(me), again));
  by("review").replaceChildren(again);
  await offerAccount(me);
}

async function offerAccount(me) {
  const { offer } = await checkedOffer("/api/offers/account", {}, wantedBy(me, "register", { publicKey }));
  review(by("review"), {
    offer,
    sentence: t("sign.register", { organisation: me.node.organisation }),
    allow: t("register.open"),
    refuse: t("register.later"),
    done: () => {
      by("open").hidden = true;
      step(3);
      reveal(by("done"));
    },
    refused: () => location.assign(HOME.patient),
  });
}

function step(now) {
  for (const number of [1, 2]) {
    const item = by(`step-${number}`);
    item.dataset.done = String(number < now);
    if (number === now) item.setAttribute("aria-current", "step");
    else item.removeAttribute("aria-current");
  }
}
