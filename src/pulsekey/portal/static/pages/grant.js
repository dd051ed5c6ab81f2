// Letting a clinician in: choose, read the sentence that this browser makes from the terms, answer.

import { ApiError, get } from "../api.js";
import { by, h, reveal } from "../dom.js";
import { explained } from "../explained.js";
import { mark, needChoice, valid } from "../form.js";
import { language, t } from "../messages.js";
import { enter, guarded, ready } from "../session.js";
import { checkedOffer, consentTexts, review, wantedBy } from "../signing.js";
import { categoryName } from "../words.js";

const PURPOSES = ["TREAT", "CAREMGT", "HRESCH", "PATRQT"];
const PERIODS = ["then", "now", ""];
const QUICK_DAYS = [7, 30, 90, 365];
// What the node may find wrong with a choice, and the field that mends it.
const FIELDS = { validUntil: "until-moment", valid: "until-moment", dataFrom: "since", data: "since" };
const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
let me;
let recipients = [];

await guarded(async () => {
  me = await enter("patient", { signing: true });
  const [found, owned] = await Promise.all([get("/api/recipients"), get("/api/categories")]);
  recipients = found.recipients;
  const have = new Set(owned.categories.map((each) => each.category));
  const texts = await consentTexts(language);
  fillRecipients();
  // Versions are numbers, which JavaScript keeps in order: the newest is the last.
  fillCategories(Object.keys(Object.values(texts).at(-1).categories), have);
  choices(by("purposes"), "purpose", PURPOSES.map((code) => [code, t(`purpose.${code}`), t(`purpose.${code}.hint`)]));
  choices(by("period"), "period", PERIODS.map((code) => [code, t(`period.${code || "always"}`), null]));
  fillUntil();
});

by("form").addEventListener("submit", (event) => {
  event.preventDefault();
  const choice = chosen();
  const complete = [
    needChoice(by("recipients"), !choice.recipient),
    needChoice(by("categories"), choice.categories.length === 0),
    needChoice(by("purposes"), !choice.purpose),
    valid(by("until")),
    needChoice(by("period"), choice.dataUntil === null),
  ];
  if (complete.includes(false)) {
    document.querySelector(".error-text")?.scrollIntoView({ block: "center" });
    return;
  }
  for (const field of Object.values(FIELDS)) mark(by(field), "");
  guarded(() => offer(choice).catch(shownAtField), by("form").querySelector("button[type=submit]"));
});
ready();

function shownAtField(error) {
  const field = error instanceof ApiError ? by(FIELDS[error.where]) : null;
  const why = field && explained(error);
  if (!why) throw error;
  mark(field, why);
  field.focus();
}

async function offer(choice) {
  const { recipientName, ...body } = choice;
  const texts = await consentTexts(language);
  const wanted = wantedBy(me, "grant", { choice: { ...body, recipientName } });
  const { offer: made, sentence, terms } = await checkedOffer("/api/offers/grant", body, wanted, texts);
  const words = h("div");
  review(words, {
    offer: made,
    sentence,
    note: details(terms),
    allow: t("grant.allow"),
    refuse: t("grant.refuse"),
    done: () => finished(sentence),
    refused: () => {
      by("review").hidden = true;
      by("form").hidden = false;
      by("form").querySelector("button[type=submit]").focus();
    },
  });
  by("review").replaceChildren(h("h2", { tabindex: "-1" }, t("grant.review")), h("p", {}, t("grant.review.text")), words);
  by("form").hidden = true;
  reveal(by("review"));
}

function details(terms) {
  const facts = [
    ["grant.fact.organisation", terms.recipient.organisation.name],
    ["grant.fact.controller", `${terms.controller.organisation.name}, ${terms.controller.contact}`],
    ["grant.fact.jurisdiction", terms.jurisdiction],
    ["grant.fact.basis", t("grant.fact.basis.text")],
  ];
  return h(
    "details",
    {},
    h("summary", {}, t("grant.facts")),
    h("dl", { class: "facts" }, facts.flatMap(([key, value]) => [h("dt", {}, t(key)), h("dd", {}, value)])),
    h("p", { class: "hint" }, t("grant.ledger")),
  );
}

function finished(sentence) {
  by("review").replaceChildren(
    h("div", { class: "notice notice-good" }, h("h2", { tabindex: "-1" }, t("grant.done")), h("p", {}, sentence)),
    h("div", { class: "choice" }, h("a", { class: "button", href: "/consents" }, t("tab.consents")), h("a", { class: "button", href: "/record" }, t("tab.record"))),
  );
  reveal(by("review"));
}

function chosen() {
  const form = new FormData(by("form"));
  const recipient = form.get("recipient");
  const since = by("since").value;
  return {
    recipient,
    recipientName: recipients.find((each) => each.id === recipient)?.displayName,
    categories: form.getAll("category"),
    purpose: form.get("purpose"),
    validUntil: by("until-moment").value.slice(0, 16),
    dataFrom: since && `${since}T00:00`,
    dataUntil: form.get("period"),
    zone,
    language,
  };
}

function fillRecipients() {
  if (!recipients.length) by("recipients").append(h("p", { class: "notice" }, t("grant.recipient.none")));
  const known = recipients.map((each) => [each.id, each.displayName, t("grant.recipient.confirmed", { organisation: each.organisationName })]);
  choices(by("recipients"), "recipient", known);
}

function fillCategories(all, have) {
  const items = all.map((name) => [name, categoryName(name)]).sort(([, one], [, two]) => one.localeCompare(two, language));
  const box = ([name, text]) => h("label", { class: "check" }, h("input", { type: "checkbox", name: "category", value: name }), h("span", {}, text));
  const mine = items.filter(([name]) => have.has(name));
  const others = items.filter(([name]) => !have.has(name));
  if (mine.length) by("categories").append(h("div", { class: "grid-checks" }, mine.map(box)));
  by("categories").append(
    h("details", { open: !mine.length }, h("summary", {}, t("grant.categories.others")), h("div", { class: "grid-checks" }, others.map(box))),
  );
}

function choices(fieldset, name, options) {
  for (const [value, text, hint] of options) {
    fieldset.append(
      h("label", { class: "check" }, h("input", { type: "radio", name, value }), h("span", {}, text), hint ? h("span", { class: "hint" }, hint) : null),
    );
  }
}

function fillUntil() {
  by("zone-note").textContent = t("grant.zone", { zone: zone.replaceAll("_", " ") });
  by("until-moment").min = local(new Date());
  for (const days of QUICK_DAYS) {
    const button = h("button", { type: "button", class: "small" }, t("grant.days", { count: days }));
    button.addEventListener("click", () => {
      const end = new Date(Date.now() + days * 86_400_000);
      end.setHours(23, 59, 0, 0);
      by("until-moment").value = local(end);
    });
    by("quick").append(button);
  }
}

function local(date) {
  const two = (value) => String(value).padStart(2, "0");
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}T${two(date.getHours())}:${two(date.getMinutes())}`;
}
