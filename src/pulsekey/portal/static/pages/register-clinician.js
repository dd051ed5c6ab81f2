// A clinician registers, then waits until an operator has confirmed who they are.

import { post } from "../api.js";
import { by, reveal } from "../dom.js";
import { valid } from "../form.js";
import { register } from "../passkey.js";
import { guarded, ready, showSession } from "../session.js";

by("form").addEventListener("submit", (event) => {
  event.preventDefault();
  if (!valid(by("form"))) return;
  guarded(async () => {
    const displayName = by("name").value.trim();
    const { options } = await post("/api/registrations/options", { role: "clinician", displayName });
    const credential = await register(options);
    const { principal } = await post("/api/registrations", { credential }, { open: true });
    showSession(principal);
    by("make").hidden = true;
    reveal(by("done"));
  }, by("form").querySelector("button"));
});
ready();
