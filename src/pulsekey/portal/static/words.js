// Numbers, days and measurements in the page's language.

import { language, named, t } from "./messages.js";

// English as the consent sentence writes it: day before month, a clock of 24 hours.
export const locale = language === "en" ? "en-GB" : language;
const MICROS = 1000;
const OFFSET_UNKNOWN = -32768;
const MINUTE = 60;
const HOUR = 3600;
const SUMMED = new Set(["steps", "m", "flights", "strokes", "pushes", "kcal", "min", "IU", "g", "mL", "mg", "drinks", "s", "h"]);

/** A moment given in seconds since 1970, in this device's time zone. */
export function moment(seconds) {
  return new Date(seconds * 1000).toLocaleString(locale, { dateStyle: "medium", timeStyle: "short" });
}

export const momentMicros = (micros) => moment(micros / 1_000_000);

/** Milliseconds on the wall clock of whoever recorded it, to be formatted as if they were UTC. */
export function wall(micros, offset = 0) {
  return micros / MICROS + (offset === OFFSET_UNKNOWN ? 0 : offset * 60_000);
}

const format = (options) => {
  const formatter = new Intl.DateTimeFormat(locale, { timeZone: "UTC", ...options });
  return (ms) => formatter.format(new Date(ms));
};

export const wallDay = format({ dateStyle: "medium" });
export const wallMoment = format({ dateStyle: "medium", timeStyle: "short" });
export const wallSecond = format({ dateStyle: "medium", timeStyle: "medium" });
export const wallTime = format({ hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
export const wallSeconds = format({ hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });
export const wallShortDay = format({ day: "numeric", month: "short" });
export const wallMonth = format({ month: "short", year: "numeric" });

/** A number with at most three digits after the point. */
export const number = (value) => value.toLocaleString(locale, { maximumFractionDigits: 3 });

/** A value with its unit; nothing where there is no value. */
export const quantity = (value, unit) => (value === null ? t("series.absent") : `${number(value)} ${unitName(unit)}`.trim());

export const unitName = (unit) => (unit ? named("unit", unit) : "");
export const metricName = (series) => named("metric", series.metric, series.title);
export const categoryName = (category) => named("category", category);
export const listed = (items) => new Intl.ListFormat(locale, { type: "conjunction" }).format(items);

/** The name of answer `index` of a categorical series. */
export function answerName(series, index) {
  return named("answer", `${series.metric}.${index}`, series.components[0].answers?.[index] ?? String(index));
}

/** One value in words; `labelled` puts the name of its part in front. */
export function valueWords(series, part, value, labelled) {
  if (value === null) return labelled ? "" : t("series.absent");
  const text = part.answers ? answerName(series, value) : part.unit === "s" && value >= MINUTE ? lasting(value) : `${number(value)} ${unitName(part.unit)}`.trim();
  return labelled ? `${named("component", part.name)} ${text}` : text;
}

// 1600.8 seconds are 26 minutes and 41 seconds.
function lasting(seconds) {
  const whole = Math.round(seconds);
  const parts = [["hour", Math.floor(whole / HOUR)], ["minute", Math.floor((whole % HOUR) / MINUTE)], ["second", whole % MINUTE]];
  const said = parts.filter(([, count]) => count).map(([unit, count]) => count.toLocaleString(locale, { style: "unit", unit, unitDisplay: "short" }));
  return said.join(" ");
}

/** Whether the parts of a series share an axis; if not, one is drawn at a time. */
export const sharesAxis = (series) => new Set(series.components.map((part) => part.unit)).size === 1;

/** Whether values of a unit add up over time, as steps do. */
export const addsUp = (unit) => SUMMED.has(unit);

/** The newest value of a series in words; empty where one value alone says little or there is none. */
export function latestWords(series) {
  const { components, latest, metric, shape } = series;
  if (!latest || latest.values.includes(null)) return "";
  if (metric === "blood-pressure") return `${latest.values.slice(0, 2).map(number).join("/")} ${unitName(components[0].unit)}`;
  if (components.length > 1 || (shape === "interval" && addsUp(components[0].unit)) || (shape !== "point" && shape !== "interval")) return "";
  return valueWords(series, components[0], latest.values[0], false);
}
