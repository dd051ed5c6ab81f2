// Drawing a stretch of a series on uPlot: one small painter a shape. Doubtful samples carry a mark of their own
// form, so that nothing is told by colour alone; the table beside the plot holds the same rows in words.

import uPlot from "./vendor/uPlot.esm.js";
import { named, t } from "./messages.js";
import { addsUp, answerName, number, sharesAxis, unitName, valueWords, wall, wallMonth, wallSecond, wallSeconds, wallShortDay, wallTime } from "./words.js";

const DAY = 86_400;
const GAP_STEPS = 4;
const HEIGHT_PX = 320;
const MARK_PX = 4;
const DOTS_MAX = 400;

/** Draw `points` of `series` into `place`; `told` gets the words for what the pointer is at. Returns a remover. */
export function draw(place, { series, points, component, zoomed, told }) {
  const shown = points.filter((point) => point.values.some((value) => value !== null));
  const view = { series, points: shown, component, pixel: devicePixelRatio || 1 };
  const painter = painterOf(series);
  let chart = null;
  const make = () => {
    chart?.destroy();
    view.colours = colours();
    chart = new uPlot(options(place, view, painter, { zoomed, told }), columns(view), place);
  };
  make();
  const resized = new ResizeObserver(() => chart.setSize(size(place)));
  resized.observe(place);
  const dark = matchMedia("(prefers-color-scheme: dark)");
  dark.addEventListener("change", make);
  return () => {
    resized.disconnect();
    dark.removeEventListener("change", make);
    chart.destroy();
  };
}

/** Which grades beyond good are among these points. */
export const doubts = (points) => ["questionable", "unusable"].filter((grade) => points.some((point) => point.grade === grade));

function painterOf(series) {
  if (series.shape === "categorical") return lanes;
  if (series.shape === "panel" && sharesAxis(series)) return panel;
  if (series.shape === "point" || series.shape === "panel") return line;
  return bars;
}

function columns({ points, series, component }) {
  const parts = sharesAxis(series) ? series.components.map((_, index) => index) : [component];
  const at = points.map((point) => wall(point.at, point.offset) / 1000);
  return [at, ...parts.map((part) => points.map((point) => point.values[part]))];
}

function options(place, view, painter, { zoomed, told }) {
  const { series, colours: colour } = view;
  const axis = { stroke: colour.soft, font: `12px ${colour.font}`, grid: { stroke: colour.line, width: 1 }, ticks: { stroke: colour.line, width: 1 } };
  const drawn = sharesAxis(series) ? series.components : [series.components[view.component]];
  return {
    ...size(place),
    // A label stands centred under its tick: the first and the last need room beside the plot.
    padding: [null, 32, null, painter.axis === false ? 24 : null],
    legend: { show: false },
    tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), "Etc/UTC"),
    cursor: { drag: { x: true, y: false, setScale: false }, points: { show: false }, y: false },
    scales: { x: { range: (_, low, high) => spread(view, low, high) }, y: { range: (_, low, high) => painter.range(view, low, high) } },
    series: [{}, ...drawn.map(() => ({ paths: () => null, points: { show: false } }))],
    axes: [
      { ...axis, values: timeLabels, space: 72, size: 44 },
      painter.axis === false ? { ...axis, values: (_, values) => values.map(() => ""), size: 12, grid: { show: false }, ticks: { show: false } } : { ...axis, values: (_, values) => values.map(number), size: yAxisSize },
    ],
    hooks: {
      draw: [(chart) => painter.paint(chart, view)],
      setCursor: [(chart) => told(chart.cursor.idx === null || chart.cursor.idx === undefined ? "" : pointWords(view, chart.cursor.idx))],
      setSelect: [(chart) => select(chart, zoomed)],
    },
  };
}

function size(place) {
  return { width: Math.max(place.clientWidth, 240), height: HEIGHT_PX };
}

function yAxisSize(_, values) {
  const longest = Math.max(2, ...(values ?? []).map((value) => value.length));
  return 18 + longest * 7;
}

function select(chart, zoomed) {
  const { left, width } = chart.select;
  if (width < 8) return;
  zoomed(chart.posToVal(left, "x"), chart.posToVal(left + width, "x"));
  chart.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
}

// A single instant still needs an axis around it, and a bar room for its length.
function spread({ points, series }, low, high) {
  if (low === null) return [0, DAY];
  const last = series.shape === "point" ? high : points.reduce((most, point) => Math.max(most, wall(point.end, point.offset) / 1000), high);
  const pad = Math.max((last - low) * 0.015, 1);
  return [low - pad, last + pad];
}

function timeLabels(_, splits, __, ___, step) {
  let day = "";
  return splits.map((seconds) => {
    const ms = seconds * 1000;
    if (step >= 28 * DAY) return wallMonth(ms);
    if (step >= DAY) return wallShortDay(ms);
    const time = step >= 60 ? wallTime(ms) : wallSeconds(ms);
    const today = wallShortDay(ms);
    const text = today === day ? time : `${time}\n${today}`;
    day = today;
    return text;
  });
}

/** One point in words: time, values with units, and the grade if it is not good. */
export function pointWords({ series, points }, index) {
  const point = points[index];
  const values = series.components.map((part, at) => valueWords(series, part, point.values[at], series.components.length > 1));
  const grade = point.grade === "good" ? [] : [t(`grade.${point.grade}`)];
  return [wallSecond(wall(point.at, point.offset)), ...values.filter(Boolean), ...grade].join(" · ");
}

function colours() {
  const style = getComputedStyle(document.documentElement);
  const read = (name) => style.getPropertyValue(name).trim();
  return {
    parts: [read("--plot-1"), read("--plot-2"), read("--plot-3")],
    questionable: read("--warn"),
    unusable: read("--stop"),
    surface: read("--surface"),
    ink: read("--ink"),
    soft: read("--ink-soft"),
    line: read("--line"),
    font: getComputedStyle(document.body).fontFamily,
  };
}

function padded(low, high) {
  if (low === null) return [0, 1];
  const pad = high > low ? (high - low) * 0.08 : Math.max(Math.abs(high) * 0.1, 1);
  return [low - pad, high + pad];
}

// The painters. Positions are in canvas pixels; `range` gives the y scale, `paint` draws after the axes.

const line = {
  range: (_, low, high) => padded(low, high),
  paint(chart, view) {
    within(chart, (context) => {
      const gap = usualStep(chart.data[0]) * GAP_STEPS;
      chart.data.slice(1).forEach((values, part) => {
        strokeLine(context, chart, view, values, part, gap);
        if (values.length <= DOTS_MAX) dots(context, chart, view, values, part);
        marks(context, chart, view, values);
      });
    });
  },
};

// Blood pressure: every reading is a bar between its parts, as on a paper chart.
const panel = {
  range: (_, low, high) => padded(low, high),
  paint(chart, view) {
    within(chart, (context) => {
      context.strokeStyle = view.colours.soft;
      context.lineWidth = view.pixel;
      view.points.forEach((point, index) => {
        const values = point.values.filter((value) => value !== null);
        const x = chart.valToPos(chart.data[0][index], "x", true);
        context.beginPath();
        context.moveTo(x, chart.valToPos(Math.min(...values), "y", true));
        context.lineTo(x, chart.valToPos(Math.max(...values), "y", true));
        context.stroke();
      });
      chart.data.slice(1).forEach((values, part) => {
        dots(context, chart, view, values, part);
        marks(context, chart, view, values);
      });
    });
  },
};

// Sums stand on zero; what is no sum is a stroke at its height, as long as it lasted.
const bars = {
  range(view, low, high) {
    return addsUp(view.series.components[view.component].unit) ? [0, Math.max(high ?? 1, 1e-9) * 1.08] : padded(low, high);
  },
  paint(chart, view) {
    const summed = addsUp(view.series.components[view.component].unit);
    within(chart, (context) => {
      const floor = chart.valToPos(0, "y", true);
      chart.data[1].forEach((value, index) => {
        if (value === null) return;
        const point = view.points[index];
        const left = chart.valToPos(chart.data[0][index], "x", true);
        const right = chart.valToPos(wall(point.end, point.offset) / 1000, "x", true);
        const top = chart.valToPos(value, "y", true);
        const width = Math.max(right - left, 2 * view.pixel);
        context.fillStyle = view.colours.parts[0];
        if (point.grade === "unusable") return;
        if (summed) context.fillRect(left, top, width, Math.max(floor - top, view.pixel));
        else context.fillRect(left, top - 1.5 * view.pixel, width, 3 * view.pixel);
      });
      marks(context, chart, view, chart.data[1]);
    });
  },
};

// One lane an answer, named at its top, because names are long and phones are narrow.
const lanes = {
  axis: false,
  range: (view) => [0, present(view).length],
  paint(chart, view) {
    const answers = present(view);
    within(chart, (context) => {
      const { left, top, width, height } = chart.bbox;
      const tall = height / answers.length;
      const label = 13 * view.pixel;
      answers.forEach((answer, lane) => {
        context.fillStyle = view.colours.line;
        context.fillRect(left, top + (lane + 1) * tall - view.pixel, width, view.pixel);
        context.fillStyle = view.colours.soft;
        context.textAlign = "left";
        context.textBaseline = "alphabetic";
        context.font = `${12 * view.pixel}px ${view.colours.font}`;
        context.fillText(answerName(view.series, answer), left + 4 * view.pixel, top + lane * tall + label);
      });
      view.points.forEach((point, index) => {
        const lane = answers.indexOf(point.values[0]);
        const from = chart.valToPos(chart.data[0][index], "x", true);
        const until = chart.valToPos(wall(point.end, point.offset) / 1000, "x", true);
        const y = top + lane * tall + label + 5 * view.pixel;
        context.fillStyle = point.grade === "good" ? view.colours.parts[0] : view.colours[point.grade];
        context.fillRect(from, y, Math.max(until - from, 2 * view.pixel), Math.max(tall - label - 9 * view.pixel, 3 * view.pixel));
      });
    });
  },
};

function present({ points }) {
  return [...new Set(points.map((point) => point.values[0]))].sort((one, two) => one - two);
}

function within(chart, paint) {
  const { left, top, width, height } = chart.bbox;
  const context = chart.ctx;
  context.save();
  context.beginPath();
  context.rect(left, top, width, height);
  context.clip();
  paint(context);
  context.restore();
}

function usualStep(times) {
  const steps = times.slice(1).map((time, index) => time - times[index]).sort((one, two) => one - two);
  return steps.length < 5 ? Infinity : Math.max(steps[Math.floor(steps.length / 2)], 1);
}

// What is unusable is marked, but the line does not run through it.
function strokeLine(context, chart, view, values, part, gap) {
  context.strokeStyle = view.colours.parts[part % 3];
  context.lineWidth = 1.75 * view.pixel;
  context.lineJoin = "round";
  context.setLineDash([[], [6, 3], [2, 3]][part % 3].map((length) => length * view.pixel));
  context.beginPath();
  let before = null;
  values.forEach((value, index) => {
    if (value === null || view.points[index].grade === "unusable") {
      before = null;
      return;
    }
    const time = chart.data[0][index];
    const [x, y] = [chart.valToPos(time, "x", true), chart.valToPos(value, "y", true)];
    if (before === null || time - before > gap) context.moveTo(x, y);
    else context.lineTo(x, y);
    before = time;
  });
  context.stroke();
  context.setLineDash([]);
}

function dots(context, chart, view, values, part) {
  context.fillStyle = view.colours.parts[part % 3];
  values.forEach((value, index) => {
    if (value === null || view.points[index].grade !== "good") return;
    context.beginPath();
    context.arc(chart.valToPos(chart.data[0][index], "x", true), chart.valToPos(value, "y", true), 2.5 * view.pixel, 0, 2 * Math.PI);
    context.fill();
  });
}

// Questionable: an open diamond. Unusable: a cross.
function marks(context, chart, view, values) {
  const reach = MARK_PX * view.pixel;
  context.lineWidth = 1.75 * view.pixel;
  values.forEach((value, index) => {
    const { grade } = view.points[index];
    if (value === null || grade === "good") return;
    const x = chart.valToPos(chart.data[0][index], "x", true);
    const y = chart.valToPos(value, "y", true);
    context.strokeStyle = view.colours[grade];
    context.beginPath();
    if (grade === "unusable") {
      context.moveTo(x - reach, y - reach);
      context.lineTo(x + reach, y + reach);
      context.moveTo(x + reach, y - reach);
      context.lineTo(x - reach, y + reach);
    } else {
      context.moveTo(x, y - reach);
      context.lineTo(x + reach, y);
      context.lineTo(x, y + reach);
      context.lineTo(x - reach, y);
      context.closePath();
      context.fillStyle = view.colours.surface;
      context.fill();
    }
    context.stroke();
  });
}
