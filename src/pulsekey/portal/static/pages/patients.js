// A clinician's patients: those whose consent is live now, and nobody else.

import { by, h } from "../dom.js";
import { t } from "../messages.js";
import { enter, guarded, untilConfirmed } from "../session.js";
import { shared } from "../shared.js";
import { categoryName, listed, moment } from "../words.js";

await guarded(async () => {
  const me = await enter("clinician");
  if (me.principal.status !== "confirmed") {
    by("list").replaceChildren(waiting());
    return untilConfirmed();
  }
  const patients = await shared();
  by("list").replaceChildren(
    patients.length ? h("ul", { class: "cards" }, patients.map(card)) : h("p", { class: "card empty" }, t("patients.none")),
  );
});

function waiting() {
  return h(
    "div",
    { class: "notice notice-warn", id: "waiting" },
    h("strong", {}, t("clinician.waiting")),
    h("p", {}, t("clinician.waiting.text")),
  );
}

function card(each) {
  return h(
    "li",
    { class: "card" },
    h("h2", {}, h("a", { href: `/patients/${each.patient}` }, each.displayName)),
    h("p", {}, t("patients.categories", { categories: listed(each.categories.map(categoryName)) })),
    h("p", { class: "small soft" }, t("patients.until", { until: moment(each.until) })),
    h("p", { class: "row" }, h("a", { class: "button", href: `/patients/${each.patient}` }, t("chart.series")), h("a", { class: "button", href: `/patients/${each.patient}/chart` }, t("tab.chart"))),
  );
}
