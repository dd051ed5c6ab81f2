// The first operator, by the token that the node printed. The token goes into a request body, never a URL.

import { get, post } from "../api.js";
import { by } from "../dom.js";
import { valid } from "../form.js";
import { optionsFor } from "../invitation.js";
import { register } from "../passkey.js";
import { guarded, ready } from "../session.js";

await guarded(async () => {
  const me = await get("/api/me");
  by("already").hidden = !me.node.setUp;
  by("make").hidden = me.node.setUp;
  by("organisation").value = me.node.organisation;
});

by("form").addEventListener("submit", (event) => {
  event.preventDefault();
  if (!valid(by("form"))) return;
  guarded(async () => {
    const body = {
      role: "operator",
      displayName: by("name").value.trim(),
      organisationName: by("organisation").value.trim(),
      setupToken: by("token").value.trim(),
    };
    const credential = await register(await optionsFor(body));
    await post("/api/set-up", { credential }, { open: true });
    location.replace("/people");
  }, by("form").querySelector("button"));
});
ready();
