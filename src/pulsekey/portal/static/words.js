// Numbers, days and measurements in the page's language.

import { language, named, t } from "./messages.js";

// English as the consent sentence writes it: day before month, a clock of 24 hours.
export const locale = language === "en" ? "en-GB" : language;
const MICROS = 1000;
const OFFSET_UNKNOWN = -32768;

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

/** The summary of a series' quality as one sentence, from its message keys. */
export function qualitySentence(quality) {
  const said = quality.messages.map(({ key, numbers, reasons = [] }) => {
    const count = numbers.rows ?? numbers.minutes ?? numbers.percent ?? 0;
    return t(key, { ...numbers, count, reason: reasons.map((each) => named("reason", each)).join(t("quality.comma")) });
  });
  return said.join(t("quality.join")) + t("quality.end");
}
