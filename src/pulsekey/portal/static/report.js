// The report of an import in full: what was kept and how good it is, what was refused and why, what was set aside.

import { h, table } from "./dom.js";
import { sentence, worded } from "./explained.js";
import { named, t } from "./messages.js";
import { number } from "./words.js";

const NO_CURE = "nothing-to-do";
// What needs no deed of the reader needs no "What to do" before it.
const NOTHING = /^(?:nothing|none)-/;
const PLACES_MAX = 20;

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
  return h("div", {}, table(t("report.kept"), heads, rows, [1, 2, 3, 4, 5]), h("p", { class: "hint" }, t("report.kept.hint")), dated(report));
}

// Samples and blocks of recordings together: what is counted is what moved.
function dated(report) {
  const count = report.tallies.reduce((sum, each) => sum + each.dated, 0);
  return count ? h("p", { "data-dated": count }, t("report.dated", { count })) : [];
}

function kindOf({ kind, name }) {
  if (kind === "documents") return named("resource", name);
  const metric = named("metric", name);
  return kind === "samples" ? metric : t("report.place", { place: metric, what: t("report.windows") });
}

function summaries(report) {
  const items = report.summaries.map((each) =>
    h("li", {}, h("strong", {}, named("metric", each.metric)), t("report.source", { source: each.source }), worded({ ...each.text, text: sentence(each.text.text) })),
  );
  return h("div", {}, h("h3", {}, t("report.quality")), h("ul", {}, items));
}

function refusals(report) {
  const items = grouped(report.refusals, (each) => [each.problem, each.cure]).map(([[problem, cure], places]) =>
    h("li", {}, h("strong", {}, whole(problem)), cured(cure), where(places)),
  );
  const beyond = report.refused_beyond.map(([problem, count]) => h("li", {}, t("report.more", { count }), t("sentence.join"), worded(problem)));
  return h(
    "section",
    { class: "notice notice-warn" },
    h("h3", {}, t("report.refused", { count: items.length + beyond.length })),
    h("ul", {}, items, beyond),
  );
}

function cured(cure) {
  if (!cure.text || cure.code === NO_CURE) return [];
  const label = NOTHING.test(cure.code) ? [] : [t("report.cure"), t("sentence.join")];
  return [t("sentence.join"), ...label, whole(cure)];
}

function whole(said) {
  return worded({ ...said, text: sentence(said.text) });
}

function quarantined(report) {
  const items = grouped(report.quarantined, (each) => [each.explanation]).map(([[explanation], places]) =>
    h("li", {}, whole(explanation), where(places)),
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
  const places = members.map(({ where: { text }, what }) => (what && !text.includes(what) ? t("report.place", { place: text, what: named("resource", what) }) : text));
  if (places.length === 1) return h("div", { class: "small" }, places[0]);
  const told = places.length > PLACES_MAX ? ranges(members) : [places.join(" · ")];
  return h("details", { class: "where" }, h("summary", {}, t("report.places", { count: places.length })), told.map((each) => h("p", { class: "small" }, each)));
}

// A hundred places are a wall: of each kind how many there are, the first and the last.
function ranges(members) {
  return grouped(members, (each) => [each.what]).map(([[what], those]) => {
    const [first, last] = [those[0], those.at(-1)].map(({ where: { text } }) => text);
    if (those.length === 1) return first;
    if (!what) return `${first} … ${last}`;
    return t("report.range", { what: named("resource", what), count: those.length, first, last });
  });
}
