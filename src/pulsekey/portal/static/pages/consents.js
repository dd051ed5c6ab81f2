// What was allowed, and how to stop it: one click, one gesture.

import { get } from "../api.js";
import { by, h, reveal } from "../dom.js";
import { t } from "../messages.js";
import { enter, guarded, ready } from "../session.js";
import { checkedOffer, review, wantedBy } from "../signing.js";
import { categoryName, listed, moment } from "../words.js";

const MARKS = { live: "tag-good", "not-yet": "tag-questionable", stopped: "tag-stopped", held: "tag-questionable", expired: "" };
const GROUPS = [
  ["consents.live", ["live", "not-yet"]],
  ["consents.ended", ["held", "stopped", "expired"]],
];
let me;

await guarded(async () => {
  me = await enter("patient", { signing: true });
  await show();
});

by("stop-all").addEventListener("click", () => guarded(() => offerStopAll(), by("stop-all")));
ready();

async function show() {
  const { grants } = await get("/api/grants");
  const sections = GROUPS.map(([key, states]) => [key, grants.filter((each) => states.includes(each.state))]);
  const shown = sections.filter(([, members]) => members.length);
  by("list").replaceChildren(
    ...shown.map(([key, members]) => h("section", {}, h("h2", {}, t(key)), h("ul", { class: "stack plain-list" }, members.map(card)))),
  );
  if (!grants.length) by("list").replaceChildren(h("p", { class: "card empty" }, t("consents.none")));
  by("everything").hidden = !grants.some(isOpen);
}

function isOpen(grant) {
  return grant.state === "live" || grant.state === "not-yet";
}

function card(grant) {
  const stop = h("button", { type: "button", "data-stop": grant.consent }, t("consents.stop"));
  stop.addEventListener("click", () => guarded(() => offerStop(grant), stop));
  return h(
    "li",
    { class: "card", "data-state": grant.state },
    h("p", { class: "row row-apart" }, h("strong", {}, grant.recipientName), h("span", { class: `tag ${MARKS[grant.state] ?? ""}` }, t(`state.${grant.state}`))),
    h("p", { class: "small soft" }, grant.organisationName),
    h("p", { lang: grant.language }, grant.sentence),
    h("dl", { class: "facts" }, facts(grant)),
    h(
      "p",
      { class: "row" },
      isOpen(grant) ? stop : null,
      h("a", { class: "button", href: `/api/grants/${grant.consent}/evidence`, download: "", "data-evidence": grant.consent }, t("consents.evidence")),
    ),
  );
}

function facts(grant) {
  return [
    [t("consents.categories"), listed(grant.categories.map(categoryName))],
    [t("consents.period"), t("consents.period.text", { from: moment(grant.validFrom), until: moment(grant.validUntil) })],
    [t("consents.reads"), h("a", { href: "/reads" }, t("consents.reads.count", { count: grant.reads }))],
  ].flatMap(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]);
}

async function offerStop(grant, note = null) {
  const wanted = wantedBy(me, "revoke", { consent: grant.consent });
  const { offer } = await checkedOffer("/api/offers/stop", { consent: grant.consent }, wanted);
  ask(offer, {
    sentence: t("sign.revoke", { name: grant.recipientName }),
    allow: t("consents.stop.confirm"),
    note,
    concerns: (each) => each.consent === grant.consent,
    again: (why) => offerStop(grant, why),
  });
}

async function offerStopAll(note = null) {
  const { offer } = await checkedOffer("/api/offers/stop-all", {}, wantedBy(me, "revoke_all"));
  ask(offer, { sentence: t("sign.revoke-all"), allow: t("stop-all.confirm"), note, concerns: () => true, again: offerStopAll });
}

/** `concerns`: whether a grant is to be stopped; `again(note)`: offer the same anew. */
function ask(offer, { sentence, allow, note, concerns, again }) {
  const end = () => {
    by("review").hidden = true;
    by("review").replaceChildren();
  };
  const done = async () => {
    end();
    by("problem").replaceChildren(h("p", { class: "notice notice-good" }, t("consents.stopped")));
    await show();
  };
  // Another tab or device was faster. If it did not stop the same thing, a gesture over a new offer does.
  const overtaken = async (error) => {
    const { grants } = await get("/api/grants");
    if (!grants.some((each) => concerns(each) && isOpen(each))) return done();
    return again(h("p", { class: "notice", role: "status" }, error.message));
  };
  review(by("review"), { offer, sentence, note, allow, refuse: t("consents.keep"), done, refused: end, overtaken });
  reveal(by("review"));
}
