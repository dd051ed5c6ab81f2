// Who did what to whose account, the newest first.

import { get } from "../api.js";
import { by, h } from "../dom.js";
import { t } from "../messages.js";
import { enter, guarded, ready } from "../session.js";
import { moment } from "../words.js";

let next = null;
const rows = h("ul", { class: "stack plain-list" });

await guarded(async () => {
  const me = await enter("operator");
  if (me.principal.status !== "confirmed") {
    by("list").replaceChildren(h("div", { class: "notice notice-warn" }, h("strong", {}, t("people.waiting")), h("p", {}, t("people.waiting.text"))));
    return;
  }
  await more();
  by("list").replaceChildren(rows.children.length ? rows : h("p", {}, t("actions.none")));
});
by("more").addEventListener("click", () => guarded(more, by("more")));
ready();

async function more() {
  const answer = await get(`/api/actions${next === null ? "" : `?before=${next}`}`);
  rows.append(...answer.actions.map(row));
  next = answer.next;
  by("more").hidden = next === null;
}

function row({ at, action, actor, subject }) {
  const values = { actor: actor ? actor.displayName : t("actions.console"), subject: subject.displayName };
  const alarming = action.startsWith("console-");
  return h(
    "li",
    { class: alarming ? "card notice-warn" : "card", "data-action": action },
    h("p", {}, t(`action.${action}`, values)),
    h("p", { class: "small soft" }, [moment(at), t(`role.${subject.role}`)].join(" · ")),
  );
}
