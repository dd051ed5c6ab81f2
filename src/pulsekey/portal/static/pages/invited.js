// Somebody whom an operator invited registers with the token they were given.

import { post } from "../api.js";
import { by } from "../dom.js";
import { valid } from "../form.js";
import { optionsFor } from "../invitation.js";
import { register } from "../passkey.js";
import { HOME, guarded, ready } from "../session.js";

by("form").addEventListener("submit", (event) => {
  event.preventDefault();
  if (!valid(by("form"))) return;
  guarded(async () => {
    // The role stands in the invitation; what is sent here only fills the field.
    const body = { role: "patient", setupToken: by("token").value.trim() };
    const credential = await register(await optionsFor(body));
    const { principal } = await post("/api/registrations", { credential }, { open: true });
    // A patient goes on to the second step: the account on the ledger.
    location.replace(principal.role === "patient" ? "/register" : HOME[principal.role]);
  }, by("form").querySelector("button"));
});
ready();
