// One series: what its quality comes to, the plot, and the same rows as a table.

import { get, isClosed } from "../api.js";
import { by, h, table } from "../dom.js";
import { extent, strip } from "../ecg.js";
import { sentence } from "../explained.js";
import { named, t } from "../messages.js";
import { doubts, draw } from "../plot.js";
import { enter, guarded } from "../session.js";
import { nameOf, nothingOpen } from "../shared.js";
import { categoryName, listed, metricName, number, sharesAxis, unitName, valueWords, wall, wallDay, wallSecond, wallSeconds } from "../words.js";

const DAY_MICROS = 86_400_000_000;
const SPANS = [["day", 1], ["week", 7], ["month", 30]];
const POINTS = 1_200;
const ROWS_STEP = 100;
const DENSE_ROWS = 300;
const STRIP_SECONDS = 10;
const BASIS_FLOATING = 3;
// Sums of these are made per day from all sources, each stretch of time counted once.
const TOTALLED = new Set([
  "steps", "distance-on-foot", "distance-cycled", "distance-swum", "distance-by-wheelchair", "flights-climbed",
  "active-energy", "basal-energy",
]);
const { role, patient, series: id } = by("content").dataset;
const state = { from: null, until: null, component: 0, entry: null, remove: () => {} };

await reading(async () => {
  await enter(role);
  if (patient) await nameOf(patient);
  const of = patient ? `?patient=${encodeURIComponent(patient)}` : "";
  const { series } = await get(`/api/series${of}`);
  state.entry = series.find((each) => each.series === id);
  if (!state.entry) return gone();
  title(state.entry);
  by("table-box").open = matchMedia("(width >= 60rem)").matches;
  begin(state.entry);
  if (state.entry.shape === "waveform") await waveform();
  else await stretch();
  if (TOTALLED.has(state.entry.metric)) await totals();
});

// What the patient has stopped meanwhile leaves the page; whatever else fails is said above it.
function reading(work) {
  return guarded(async () => {
    try {
      await work();
    } catch (error) {
      if (!isClosed(error)) {
        if (!state.entry) empty(t("error.Failure"));
        throw error;
      }
      gone();
    }
  });
}

function gone() {
  empty(t("series.gone"));
  if (patient) by("source").textContent = nothingOpen();
}

function empty(heading) {
  state.remove();
  state.remove = () => {};
  by("heading").textContent = heading;
  for (const id of ["plot", "legend", "caption", "table", "controls", "summary", "totals-table"]) by(id).replaceChildren();
  for (const id of ["figure", "table-box", "controls", "summary", "totals"]) by(id).hidden = true;
}

// Weeks of sleep or of steps are a bar code: what is dense begins with its last night or week, and says so.
function begin({ shape, first, last, count }) {
  const days = shape === "categorical" ? 1 : 7;
  const dense = shape === "categorical" ? count > 1 : count > DENSE_ROWS;
  if (shape === "waveform" || !dense || last - first <= (days + 1) * DAY_MICROS) return;
  state.until = last + 1;
  state.from = state.until - days * DAY_MICROS;
}

function title(entry) {
  by("heading").textContent = metricName(entry);
  document.title = `${metricName(entry)} · Pulsekey`;
  by("source").textContent = t("series.source", { source: entry.source, category: categoryName(entry.category) });
}

// Everything but waveforms

async function stretch() {
  const query = new URLSearchParams({ points: POINTS });
  if (state.from !== null) query.set("from", String(state.from));
  if (state.until !== null) query.set("until", String(state.until));
  const found = await get(`/api/series/${id}?${query}`);
  const { points, quality, thinned, cut } = found;
  by("summary").replaceChildren(quality ? h("p", { class: "notice summary", id: "quality" }, h("span", {}, t("series.shown", { quality: sentence(quality.text) }))) : "");
  controls();
  state.remove();
  state.remove = () => {};
  by("plot").replaceChildren();
  if (points.length) plot(found.series, points);
  else by("plot").append(h("p", { class: "empty" }, t("series.nothing")));
  legend(found.series, points);
  by("caption").textContent = caption(points, thinned, cut);
  rows(found.series, points);
}

function plot(series, points) {
  const readout = h("p", { class: "readout small", "aria-hidden": "true" });
  by("plot").setAttribute("role", "img");
  by("plot").setAttribute("aria-label", t("series.plot", { metric: metricName(series), count: points.length }));
  state.remove = draw(by("plot"), {
    series,
    points,
    component: state.component,
    told: (text) => {
      readout.textContent = text;
    },
    zoomed: (from, until) => {
      const offset = (points[0].at - wall(points[0].at, points[0].offset) * 1000) || 0;
      range(Math.round(from * 1e6 + offset), Math.round(until * 1e6 + offset));
    },
  });
  by("plot").append(readout);
}

function range(from, until) {
  state.from = from;
  state.until = until;
  return reading(stretch);
}

function controls() {
  const { first, last } = state.entry;
  const whole = last - first;
  const buttons = [button("series.whole", () => range(null, null), state.from === null)];
  for (const [name, days] of SPANS) {
    const span = days * DAY_MICROS;
    if (span < whole) buttons.push(button(`series.${name}`, () => range(last + 1 - span, last + 1), state.until === last + 1 && state.until - state.from === span));
  }
  if (state.from !== null) {
    const span = state.until - state.from;
    if (state.from > first) buttons.push(button("series.earlier", () => range(state.from - span, state.until - span)));
    if (state.until < last) buttons.push(button("series.later", () => range(state.from + span, state.until + span)));
  }
  by("controls").replaceChildren(...buttons, ...(sharesAxis(state.entry) ? [] : [parts()]));
}

function button(key, act, pressed = false) {
  return h("button", { type: "button", class: "button-small", "aria-pressed": String(pressed), on: { click: act } }, t(key));
}

function parts() {
  const options = state.entry.components.map((part, index) =>
    h("option", { value: index, selected: index === state.component }, `${named("component", part.name)} (${unitName(part.unit)})`),
  );
  const chosen = h("select", { "aria-label": t("series.part") }, options);
  chosen.addEventListener("change", () => {
    state.component = Number(chosen.value);
    reading(stretch);
  });
  return chosen;
}

function legend(series, points) {
  const drawn = sharesAxis(series) ? series.components : [series.components[state.component]];
  const names = drawn.map((part, index) =>
    h("span", { class: `key key-${index + 1}` }, [series.components.length > 1 ? named("component", part.name) : metricName(series), unitName(part.unit) && `(${unitName(part.unit)})`].filter(Boolean).join(" ")),
  );
  const marks = doubts(points).map((grade) => h("span", { class: `key key-${grade}` }, t(`grade.${grade}`)));
  by("legend").replaceChildren(...names, ...marks);
}

function caption(points, thinned, cut) {
  const floating = points.some((point) => point.basis === BASIS_FLOATING);
  return [t(floating ? "series.times.floating" : "series.times"), thinned ? t("series.thinned") : "", cut ? t("series.cut") : "", points.length > 1 ? t("series.zoom") : ""].filter(Boolean).join(t("sentence.join"));
}

function rows(series, points, shown = ROWS_STEP) {
  const lasting = series.shape !== "point" && series.shape !== "panel";
  const several = series.components.length > 1;
  // A workout has many parts and few devices fill them all: a column without any value is left out.
  const filled = series.components.map((part, at) => [part, at]).filter(([, at]) => !several || points.some((point) => point.values[at] !== null));
  const values = filled.map(([part]) => (several ? named("component", part.name) : t("series.value")));
  const heads = [t("series.time"), ...(lasting ? [t("series.until")] : []), ...values, t("series.quality")];
  const newest = [...points].reverse().slice(0, shown);
  const body = newest.map((point) => [
    wallSecond(wall(point.at, point.offset)),
    ...(lasting ? [ending(point)] : []),
    ...filled.map(([part, at]) => valueWords(series, part, point.values[at], false)),
    quality(point),
  ]);
  const first = lasting ? 2 : 1;
  const numeric = series.shape === "categorical" ? [] : filled.map((_, index) => first + index);
  const more = h("button", { type: "button", on: { click: () => rows(series, points, shown + ROWS_STEP) } }, t("series.rows.more"));
  by("table").replaceChildren(table(t("series.table"), heads, body, numeric), ...(points.length > shown ? [more] : []));
}

// The end of what began on the same day needs no day of its own.
function ending({ at, end, offset }) {
  const [from, until] = [wall(at, offset), wall(end, offset)];
  return (wallDay(from) === wallDay(until) ? wallSeconds : wallSecond)(until);
}

function quality(point) {
  const reasons = listed(point.reasons.map((each) => named("reason", each)));
  return h("span", {}, h("span", { class: `tag tag-${point.grade}` }, t(`grade.${point.grade}`)), reasons ? h("span", { class: "small" }, ` ${reasons}`) : null);
}

async function totals() {
  const of = patient ? `?patient=${encodeURIComponent(patient)}` : "";
  const { days } = await get(`/api/daily-totals/${state.entry.metric}${of}`);
  if (!days.length) return;
  const unit = unitName(state.entry.components[0].unit);
  const sums = (parts) => parts.map(({ source, value }) => `${source}: ${whole(value)}`).join("; ");
  const body = [...days].reverse().map((each) => [wallDay(Date.parse(each.day)), whole(each.value), sums(each.parts), sums(each.leftOut)]);
  const heads = [t("totals.day"), `${t("totals.value")} (${unit})`, t("totals.parts"), t("totals.left-out")];
  by("totals-table").replaceChildren(table(t("totals.title"), heads, body, [1]));
  by("totals").hidden = false;
}

// A stretch that lies over midnight is shared out between its days, which leaves fractions of a step.
function whole(value) {
  return number(Math.round(value));
}

// Waveforms

async function waveform() {
  const { blocks } = await get(`/api/series/${id}/blocks`);
  const choice = h(
    "select",
    { id: "block", "aria-label": t("ecg.recording") },
    blocks.map((block, index) => h("option", { value: index }, `${t("ecg.number", { number: index + 1 })} (${length(block)})`)),
  );
  let at = 0;
  const windows = new Map();
  const show = () => reading(() => strips(blocks[Number(choice.value)], at, windows));
  const move = (step) => () => {
    const seconds = Math.floor((blocks[Number(choice.value)].end - blocks[Number(choice.value)].start) / 1e6);
    at = Math.max(0, Math.min(at + step * STRIP_SECONDS, seconds - STRIP_SECONDS));
    return show();
  };
  choice.addEventListener("change", () => {
    at = 0;
    show();
  });
  by("controls").replaceChildren(choice, button("series.earlier", move(-1)), button("series.later", move(1)));
  if (blocks.length) await show();
}

function graded(window) {
  if (!window) return by("summary").replaceChildren();
  const grade = t(`grade.${window.grade}`);
  const reasons = listed(window.reasons.map((each) => named("reason", each)));
  const text = window.grade === "good" ? t("ecg.quality.good") : t("ecg.quality", { grade, reasons });
  by("summary").replaceChildren(h("p", { class: "notice summary", id: "quality" }, h("span", {}, text)));
}

// Leads are called by the same signs everywhere; only the words around them are of a language.
function leadName(name) {
  const [, lead] = /^ECG (?:lead )?(\S+)$/.exec(name) ?? [];
  return lead ? t("ecg.lead.named", { lead }) : name;
}

function length(block) {
  return t("ecg.length", { count: Math.round((block.end - block.start) / 1e6) });
}

async function strips(block, second, windows) {
  const found = await get(`/api/series/${id}/blocks/${block.ordinal}?second=${second}&seconds=${STRIP_SECONDS}`);
  // The grades of a whole recording come with its beginning, which is always drawn first.
  if (found.windows.length) windows.set(block.ordinal, found.windows);
  graded(windows.get(block.ordinal)?.[Math.floor(second / STRIP_SECONDS)]);
  const begin = wall(block.start, found.offset) + second * 1000;
  const channels = found.channels.map((channel) => ({ ...channel, name: leadName(channel.name) }));
  const sheets = channels.map((channel) =>
    h("div", { class: "ecg-lead" }, h("h2", { class: "small" }, channel.name), h("div", { class: "ecg-scroll", tabindex: "0", role: "region", "aria-label": channel.name }, strip(channel, found.rateHz, STRIP_SECONDS))),
  );
  by("plot").replaceChildren(...sheets);
  by("legend").replaceChildren(h("span", {}, t("ecg.when", { time: wallSecond(begin), second })));
  by("caption").textContent = t("ecg.scale");
  const body = channels.map((channel) => {
    const { low, high, lost } = extent(channel);
    return [channel.name, low, high, String(lost)];
  });
  const heads = ["ecg.lead", "ecg.low", "ecg.high", "ecg.lost"].map((key) => t(key));
  by("table").replaceChildren(table(t("ecg.table", { second, until: second + STRIP_SECONDS }), heads, body, [1, 2, 3]));
}
