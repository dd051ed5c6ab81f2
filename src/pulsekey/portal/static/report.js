// The report of an import in full: what was kept and how good it is, what was refused and why, what was set aside.

import { h, table } from "./dom.js";
import { language, named, t } from "./messages.js";
import { number, qualitySentence } from "./words.js";

const ENGLISH = await (await fetch("/messages/en.json")).json();
const GRAMMAR = Object.entries(ENGLISH)
  .filter(([key]) => key.startsWith("quality."))
  .flatMap(([key, text]) => (typeof text === "string" ? [text] : Object.values(text)).map((each) => [key, pattern(each)]));
const REASONS = new Map(
  Object.entries(ENGLISH).filter(([key]) => key.startsWith("reason.")).map(([key, text]) => [text, key.slice("reason.".length)]),
);

const NO_CURE = "nothing to do";
const COUNTED = /^(\d+) times: (.+)$/;

export function reportOf(report) {
  const parts = [head(report), tallies(report)];
  if (report.summaries.length) parts.push(summaries(report));
  if (report.refusals.length || report.refused_beyond.length) parts.push(refusals(report));
  if (report.quarantined.length) parts.push(quarantined(report));
  return h("div", { class: "report" }, parts);
}

function head(report) {
  const days = { first: report.first_day, last: report.last_day };
  const period = days.first && days.first !== days.last ? t("report.period", days) : days.first;
  return h("p", {}, h("strong", {}, report.name), ` · ${named("format", report.format)}${period && ` · ${period}`}`);
}

function tallies(report) {
  if (!report.tallies.length) return h("p", {}, t("report.empty"));
  const heads = ["what", "new", "changed", "known", "questionable", "unusable"].map((name) => t(`report.${name}`));
  const rows = report.tallies.map((each) => [
    kindOf(each),
    ...["new", "changed", "known", "questionable", "unusable"].map((name) => number(each[name])),
  ]);
  return h("div", {}, table(t("report.kept"), heads, rows, [1, 2, 3, 4, 5]), h("p", { class: "hint" }, t("report.kept.hint")));
}

function kindOf({ kind, name }) {
  if (kind === "documents") return named("resource", name);
  const metric = named("metric", name);
  return kind === "samples" ? metric : `${metric} (${t("report.windows")})`;
}

function summaries(report) {
  const items = report.summaries.map((each) =>
    h("li", {}, h("strong", {}, named("metric", each.metric)), ` (${each.source}): `, said(each)),
  );
  return h("div", {}, h("h3", {}, t("report.quality")), h("ul", {}, items));
}

function said(summary) {
  const messages = readBack(summary.text);
  return messages ? qualitySentence({ messages }) : h("span", { lang: "en" }, summary.text);
}

// A stored report holds a summary as English sentences of a closed grammar, the one of `quality.*` in our own
// catalogue. They are read back into keys and numbers, so that the report speaks the page's language.
function readBack(text) {
  const messages = text.split("; ").map(sentenceIn);
  return messages.every(Boolean) ? messages : null;
}

function sentenceIn(text) {
  for (const [key, pattern] of GRAMMAR) {
    const match = pattern.exec(text);
    if (!match) continue;
    const { reason, ...numbers } = match.groups ?? {};
    const reasons = (reason ? reason.split(", ") : []).map((words) => REASONS.get(words));
    if (!reasons.every(Boolean)) continue;
    return { key, numbers: Object.fromEntries(Object.entries(numbers).map(([name, value]) => [name, Number(value)])), reasons };
  }
  return null;
}

function pattern(template) {
  const escaped = template.replace(/[.*+?^$()|[\]\\]/g, "\\$&");
  return new RegExp(`^${escaped.replace("{reason}", "(?<reason>.+)").replace(/\{(\w+)\}/g, "(?<$1>[\\d.]+)")}$`);
}

function refusals(report) {
  const items = grouped(report.refusals, (each) => [each.problem, each.cure]).map(([[problem, cure], places]) =>
    h("li", {}, h("strong", {}, english(problem)), ".", cured(cure), where(places)),
  );
  const beyond = report.refused_beyond.map(([problem, count]) => h("li", {}, t("report.more", { count }), " ", english(problem)));
  return h(
    "section",
    { class: "notice notice-warn" },
    h("h3", {}, t("report.refused", { count: items.length + beyond.length })),
    h("ul", {}, items, beyond),
  );
}

function cured(cure) {
  return cure && cure !== NO_CURE ? [" ", t("report.cure"), " ", english(cure)] : [];
}

function quarantined(report) {
  const items = grouped(report.quarantined, (each) => [each.explanation]).map(([[explanation], places]) =>
    h("li", {}, english(explanation), where(places)),
  );
  const beyond = report.quarantined_beyond ? [h("li", {}, t("report.more", { count: report.quarantined_beyond }))] : [];
  const count = report.quarantined.length + report.quarantined_beyond;
  return h(
    "section",
    { class: "notice notice-stop" },
    h("h3", {}, t("report.quarantined", { count })),
    h("p", {}, t("report.quarantined.text")),
    h("ul", {}, items, beyond),
  );
}

// A file that is wrong throughout is wrong in one way: the reason once, then all of its places.
function grouped(items, keyOf) {
  const groups = new Map();
  for (const each of items) {
    const key = JSON.stringify(keyOf(each));
    groups.set(key, [...(groups.get(key) ?? []), each]);
  }
  return [...groups].map(([key, members]) => [JSON.parse(key), members]);
}

function where(members) {
  const places = members.map(({ where: place, what }) => (what && !place.includes(what) ? `${place} (${named("resource", what)})` : place));
  if (places.length === 1) return h("div", { class: "small" }, places[0]);
  return h("details", { class: "where" }, h("summary", {}, t("report.places", { count: places.length })), h("p", { class: "small" }, places.join(" · ")));
}

// Parsers explain in English; what the catalogue knows word for word is said in the page's language.
function english(text) {
  const [, count, counted] = COUNTED.exec(text) ?? [];
  if (counted) return t("report.times", { count: Number(count), problem: named("parser", counted) });
  const known = named("parser", text, "");
  return known || language === "en" ? known || text : h("span", { lang: "en" }, text);
}
