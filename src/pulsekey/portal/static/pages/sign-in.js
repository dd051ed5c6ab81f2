// Sign in with a passkey, then go back to where the session ended.

import { post, takeBack } from "../api.js";
import { by } from "../dom.js";
import { named } from "../messages.js";
import { authenticate } from "../passkey.js";
import { HOME, guarded, ready } from "../session.js";

const back = takeBack();
if (back) {
  by("why").textContent = named("sign-in.why", back.reason);
  by("why").hidden = false;
}

by("sign-in").addEventListener("click", () =>
  guarded(async () => {
    const { options } = await post("/api/sign-in/options");
    const credential = await authenticate(options);
    const { principal } = await post("/api/sign-in", { credential }, { open: true });
    location.replace(back?.path ?? HOME[principal.role]);
  }, by("sign-in")),
);
ready();
