// An electrocardiogram on its paper: 25 mm a second and 10 mm a millivolt, a thin line each millimetre and a bold
// one each fifth (AHA/ACC/HRS recommendations, Kligfield et al. 2007). Drawn, never interpreted.

import { svg } from "./dom.js";
import { t } from "./messages.js";
import { number } from "./words.js";

const MM_PER_SECOND = 25;
const MM_PER_MILLIVOLT = 10;
const MM_PX = 4;
const MARGIN_MM = 4;
const MILLIVOLTS = { mV: 1, uV: 0.001, "µV": 0.001, V: 1000 };

/** Draw one channel of a block: an SVG with its grid, as wide as its time. */
export function strip(channel, rateHz, seconds) {
  const scale = MILLIVOLTS[channel.unit] ?? 1;
  const values = channel.values.map((value) => (value === null ? null : value * scale));
  const known = values.filter((value) => value !== null);
  const middle = known.length ? median(known) : 0;
  const up = Math.max(1, ...known.map((value) => value - middle));
  const down = Math.max(0.5, ...known.map((value) => middle - value));
  const [above, below] = [up, down].map((reach) => Math.ceil((reach * MM_PER_MILLIVOLT + MARGIN_MM) / 5) * 5);
  const wide = seconds * MM_PER_SECOND;
  const tall = above + below;
  const x = (index) => (index / rateHz) * MM_PER_SECOND * MM_PX;
  const y = (value) => (above - (value - middle) * MM_PER_MILLIVOLT) * MM_PX;
  const label = t("ecg.strip", { lead: channel.name, seconds });
  return svg(
    "svg",
    { viewBox: `0 0 ${wide * MM_PX} ${tall * MM_PX}`, width: wide * MM_PX, height: tall * MM_PX, role: "img", "aria-label": label, class: "ecg" },
    svg("path", { class: "ecg-thin", d: grid(wide, tall, 1) }),
    svg("path", { class: "ecg-bold", d: grid(wide, tall, 5) }),
    svg("path", { class: "ecg-trace", d: trace(values, x, y) }),
  );
}

/** What a strip holds in numbers, for the table beside it. */
export function extent(channel) {
  const known = channel.values.filter((value) => value !== null);
  const lost = channel.values.length - known.length;
  if (!known.length) return { low: "", high: "", lost };
  const low = known.reduce((least, value) => Math.min(least, value));
  const high = known.reduce((most, value) => Math.max(most, value));
  return { low: `${number(low)} ${channel.unit}`, high: `${number(high)} ${channel.unit}`, lost };
}

function grid(wide, tall, every) {
  const lines = [];
  for (let x = 0; x <= wide; x += every) lines.push(`M${x * MM_PX} 0V${tall * MM_PX}`);
  for (let y = 0; y <= tall; y += every) lines.push(`M0 ${y * MM_PX}H${wide * MM_PX}`);
  return lines.join("");
}

function trace(values, x, y) {
  let pen = "M";
  const parts = [];
  values.forEach((value, index) => {
    if (value === null) {
      pen = "M";
      return;
    }
    parts.push(`${pen}${x(index).toFixed(1)} ${y(value).toFixed(1)}`);
    pen = "L";
  });
  return parts.join("");
}

function median(values) {
  return [...values].sort((one, two) => one - two)[Math.floor(values.length / 2)];
}
