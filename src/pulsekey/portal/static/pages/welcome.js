// The first page: who is signed in already goes on; a node without an operator says how to begin.

import { get } from "../api.js";
import { by } from "../dom.js";
import { HOME, guarded } from "../session.js";

await guarded(async () => {
  const me = await get("/api/me");
  if (me.principal) location.replace(HOME[me.principal.role]);
  by("set-up").hidden = me.node.setUp;
});
