// The series of a record, by category: the patient's own, or one that a clinician was let into.

import { get, isClosed } from "../api.js";
import { by, h } from "../dom.js";
import { t } from "../messages.js";
import { enter, guarded } from "../session.js";
import { nameOf, nothingOpen } from "../shared.js";
import { categoryName, latestWords, metricName, wall, wallDay } from "../words.js";

const { role, patient } = by("content").dataset;

await guarded(async () => {
  const me = await enter(role);
  if (!patient) by("no-account").hidden = Boolean(me.account);
  const series = patient ? await open() : (await get("/api/series")).series;
  by("list").replaceChildren(...(series.length ? sections(series) : [empty()]));
});
by("list").removeAttribute("aria-busy");

// What a patient shares now.
async function open() {
  await nameOf(patient);
  try {
    return (await get(`/api/series?patient=${encodeURIComponent(patient)}`)).series;
  } catch (error) {
    if (isClosed(error)) return [];
    throw error;
  }
}

function sections(series) {
  const groups = Map.groupBy ? Map.groupBy(series, (each) => each.category) : grouped(series);
  return [...groups].map(([category, members]) =>
    h("section", {}, h("h2", {}, categoryName(category)), h("ul", { class: "card series-list" }, members.map(row))),
  );
}

function grouped(series) {
  const groups = new Map();
  for (const each of series) groups.set(each.category, [...(groups.get(each.category) ?? []), each]);
  return groups;
}

function row(series) {
  const path = patient ? `/patients/${patient}/series/${series.series}` : `/record/${series.series}`;
  const days = [series.first, series.last].map((micros) => wallDay(wall(micros)));
  const period = series.first === null ? "" : span(...days);
  return h(
    "li",
    {},
    h("h3", {}, h("a", { href: path }, metricName(series))),
    latest(series),
    h("p", { class: "small soft" }, [series.source, counted(series), period].filter(Boolean).join(" · ")),
  );
}

// A doubtful value is shown with its doubt, or it would look like a good one.
function latest(series) {
  const words = latestWords(series);
  if (!words) return null;
  const { at, offset, grade } = series.latest;
  const doubt = grade === "good" ? null : h("span", { class: `tag tag-${grade}` }, t(`grade.${grade}`));
  return h("p", { class: "latest" }, h("strong", {}, words), " ", h("span", { class: "small soft" }, wallDay(wall(at, offset))), doubt);
}

function span(first, last) {
  return first === last ? first : t("record.period", { first, last });
}

function counted(series) {
  const key = series.shape === "waveform" ? "record.recordings" : "record.samples";
  return t(key, { count: series.count });
}

function empty() {
  if (patient) return h("div", { class: "card empty" }, h("p", {}, nothingOpen()));
  return h(
    "div",
    { class: "card empty" },
    h("p", {}, t("record.none")),
    h("a", { class: "button", href: "/upload" }, t("tab.upload")),
  );
}
