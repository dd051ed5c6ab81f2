// The second client of a consent: reads the canonical terms, makes the sentence again, and recomputes the id.
//
// Written from the form of the terms (docs/decisions/0060), not from the node's program. Wall clocks follow from the
// offsets in the terms; that these are the zone's is asked of the browser, once, before a signature (checkOffsets).
// Whatever this module does not know it refuses.

export class Mismatch extends Error {
  constructor(code) {
    super(code);
    this.name = "Mismatch";
    this.code = code;
  }
}

const TERMS_CHARACTERS_MAX = 16_384;
const MEMBERS = [
  "catalogue", "categories", "controller", "data", "exclusions", "jurisdiction", "language", "legalBasis",
  "offsets", "purpose", "recipient", "salt", "sentence", "signer", "subject", "type", "valid", "version", "zone",
];

/** Read canonical terms text. Only the one canonical form is accepted, so no second reading is possible. */
export function readTerms(text) {
  let terms;
  try {
    terms = JSON.parse(text);
  } catch {
    throw new Mismatch("terms");
  }
  const known =
    text.length <= TERMS_CHARACTERS_MAX &&
    isObject(terms) &&
    canonical(terms) === text &&
    terms.type === "pulsekey/terms" &&
    terms.version === 1 &&
    Number.isSafeInteger(terms.catalogue) &&
    Object.keys(terms).sort().join() === MEMBERS.join() &&
    terms.signer?.basis === "self" &&
    terms.recipient?.kind === "person" &&
    Array.isArray(terms.categories) &&
    Array.isArray(terms.exclusions) &&
    terms.exclusions.length === 0 &&
    isObject(terms.offsets) &&
    Object.keys(terms.offsets).sort().join() === "dataFrom,dataUntil,validUntil" &&
    /^[0-9a-f]{64}$/.test(terms.salt);
  if (!known) throw new Mismatch("terms");
  return terms;
}

/** RFC 8785 for objects, arrays, strings, whole numbers, booleans and null, which is all that terms hold. */
export function canonical(value) {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (isObject(value)) {
    const members = Object.keys(value).sort().map((key) => `${JSON.stringify(key)}:${canonical(value[key])}`);
    return `{${members.join(",")}}`;
  }
  if (typeof value === "number" && !Number.isSafeInteger(value)) throw new Mismatch("terms");
  return JSON.stringify(value);
}

/** The sentence that these terms mean; `released` holds the words of their language by version. */
export function sentenceOf(terms, released) {
  const texts = word(released, String(terms.catalogue));
  return fill(texts.sentence.self, {
    recipient: terms.recipient.name,
    confirmer: terms.controller.organisation.name,
    categories: enumerated(terms.categories.map((name) => word(texts.categories, name)), texts.list),
    period: period(terms, texts),
    purpose: word(texts.purposes, terms.purpose),
    until: instant(terms.valid.until, terms.offsets.validUntil, terms.zone, texts),
  });
}

/** Throws unless the offsets in the terms are those that this browser knows of the zone. */
export function checkOffsets({ valid, data, offsets, zone }) {
  const shown = [[valid.until, offsets.validUntil], [data.from, offsets.dataFrom], [data.until, offsets.dataUntil]];
  for (const [at, offset] of shown) {
    if (at === null && offset === null) continue;
    const { year, month, day, hour, minute, second } = wallClock(at, zone);
    const wall = new Date(0);
    wall.setUTCFullYear(year, month - 1, day);
    wall.setUTCHours(hour, minute, second);
    if (wall.getTime() / 1000 !== at + offset) throw new Mismatch("offset");
  }
}

/** SHA-256 over a domain tag, padded with zeros to 32 bytes, and then the parts. */
export async function taggedDigest(tag, ...parts) {
  const label = new Uint8Array(32);
  label.set(new TextEncoder().encode(tag));
  const whole = new Uint8Array(32 + parts.reduce((sum, part) => sum + part.length, 0));
  whole.set(label);
  let at = 32;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return new Uint8Array(await crypto.subtle.digest("SHA-256", whole));
}

/** The name of a consent: the digest of its terms. */
export const consentId = (text) => taggedDigest("pulsekey/terms/1", new TextEncoder().encode(text));

/** Year, month (1 to 12), day, hour, minute, second on the wall clock of a zone. */
export function wallClock(seconds, zone) {
  let formatter;
  try {
    formatter = new Intl.DateTimeFormat("en-u-ca-gregory-nu-latn", {
      timeZone: zone,
      hourCycle: "h23",
      year: "numeric",
      month: "numeric",
      day: "numeric",
      hour: "numeric",
      minute: "numeric",
      second: "numeric",
    });
  } catch {
    throw new Mismatch("zone");
  }
  const parts = {};
  for (const { type, value } of formatter.formatToParts(new Date(seconds * 1000))) parts[type] = Number(value);
  return parts;
}

function period({ data, valid, offsets, zone }, texts) {
  const from = data.from === null ? "" : instant(data.from, offsets.dataFrom, zone, texts);
  const until = data.until === null ? "" : instant(data.until, offsets.dataUntil, zone, texts);
  const asLongAsValid = data.until !== null && data.until === valid.until;
  const open = from === "";
  let form;
  if (asLongAsValid) form = open ? "soFarAndUntilThen" : "sinceAndUntilThen";
  else if (until !== "") form = open ? "before" : "between";
  else form = open ? "always" : "since";
  return fill(texts.periods[form], { first: from, last: until });
}

function instant(seconds, offset, zone, texts) {
  if (!Number.isSafeInteger(seconds) || !Number.isSafeInteger(offset)) throw new Mismatch("terms");
  const wall = new Date((seconds + offset) * 1000);
  if (!(wall.getUTCFullYear() >= 1 && wall.getUTCFullYear() <= 9_999)) throw new Mismatch("terms");
  const two = (value) => String(value).padStart(2, "0");
  const exact = wall.getUTCSeconds() ? `:${two(wall.getUTCSeconds())}` : "";
  const place = zone.split("/").at(-1).replaceAll("_", " ");
  return fill(texts.moment, {
    day: wall.getUTCDate(),
    month: texts.months[wall.getUTCMonth()],
    year: wall.getUTCFullYear(),
    clock: `${two(wall.getUTCHours())}:${two(wall.getUTCMinutes())}${exact}`,
    place,
  });
}

function enumerated(names, { separator, last }) {
  if (names.length === 0) throw new Mismatch("terms");
  const end = names.at(-1);
  const rest = names.slice(0, -1);
  return rest.length ? rest.join(separator) + last + end : end;
}

// One pass, so that a name with braces in it stays a name.
function fill(template, values) {
  return template.replace(/\{(\w+)\}/g, (_, key) => String(values[key]));
}

function word(table, key) {
  if (typeof key !== "string" || !Object.hasOwn(table, key)) throw new Mismatch("terms");
  return table[key];
}

function isObject(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
