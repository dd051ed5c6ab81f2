// What this page makes sure of before it asks for a gesture: that the bytes to be signed mean what it shows.
//
// An operation is: version u8, kind u8, account 32, nonce u64, key 32, then a body by kind. The challenge is a
// digest of those bytes and of the ledger. Every check that fails throws a Mismatch, and no gesture is asked.

import { fromBase64url } from "./passkey.js";
import { Mismatch, checkOffsets, consentId, readTerms, sentenceOf, taggedDigest, wallClock } from "./sentence.js";

const HEADER_BYTES = 74;
const RECORD_BYTES = 107;
const KINDS = {
  register: { number: 1, body: RECORD_BYTES + 32 },
  add_key: { number: 2, body: RECORD_BYTES },
  remove_key: { number: 3, body: 32 },
  grant: { number: 4, body: 56 },
  revoke: { number: 5, body: 32 },
  revoke_all: { number: 6, body: 0 },
};
const VERSION = Uint8Array.of(1);
const WEBAUTHN_P256 = 1;
const PATIENT_CAPABILITIES = 31;
const NEVER = 2n ** 64n - 1n;
// How far this device's clock may differ from the node's: wrong clocks are common, wrong days are not.
const CLOCK_SECONDS_MAX = 86_400;

/**
 * Check an offer against what was asked for. Resolves to {operation, terms, sentence}; throws Mismatch.
 *
 * `wanted`: {kind, ledger, account, keys?, publicKey?, removed?, consent?, choice?, now?}; `texts` are the words of
 * the consent sentence by version, for a grant.
 */
export async function checkOffer(offer, wanted, texts = null) {
  const operation = bytes(offer.operation);
  const form = KINDS[wanted.kind];
  if (offer.kind !== wanted.kind || operation[0] !== 1 || operation[1] !== form.number) throw new Mismatch("kind");
  if (operation.length !== HEADER_BYTES + form.body) throw new Mismatch("operation");
  if (offer.ledger !== wanted.ledger) throw new Mismatch("ledger");
  await checkChallenge(offer, operation);
  const body = operation.subarray(HEADER_BYTES);
  if (wanted.kind !== "register" && hex(operation.subarray(2, 34)) !== wanted.account) throw new Mismatch("account");
  const signer = hex(operation.subarray(42, 74));
  if (wanted.keys && !wanted.keys.includes(signer)) throw new Mismatch("key");
  const found = { operation, terms: null, sentence: null };
  if (wanted.kind === "register") await checkRegistration(operation, body, wanted);
  if (wanted.kind === "add_key") await checkRecord(body, wanted.publicKey);
  if (wanted.kind === "remove_key" && hex(body) !== wanted.removed) throw new Mismatch("key");
  if (wanted.kind === "revoke" && hex(body) !== wanted.consent) throw new Mismatch("consent");
  if (wanted.kind === "grant") Object.assign(found, await checkGrant(offer, body, wanted, texts));
  return found;
}

async function checkChallenge(offer, operation) {
  const demanded = hex(await taggedDigest("pulsekey/operation-challenge/1", VERSION, bytes(offer.ledger), operation));
  const { options } = offer;
  const asked = typeof options?.challenge === "string" ? hex(fromBase64url(options.challenge)) : "";
  if (offer.challenge !== demanded || asked !== demanded) throw new Mismatch("challenge");
  if (options.userVerification !== "required" || (options.rpId ?? location.hostname) !== location.hostname) {
    throw new Mismatch("options");
  }
}

async function checkRegistration(operation, body, wanted) {
  const keyId = await checkRecord(body.subarray(0, RECORD_BYTES), wanted.publicKey);
  const account = await taggedDigest("pulsekey/account/1", body);
  if (hex(account) !== hex(operation.subarray(2, 34))) throw new Mismatch("account");
  if (hex(keyId) !== hex(operation.subarray(42, 74))) throw new Mismatch("key");
}

// x 32 | y 32 | rp id hash 32 | scheme u8 | capabilities u16 | expires u64. Returns the key's name.
async function checkRecord(record, publicKey) {
  const host = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(location.hostname)));
  const view = viewOf(record);
  const plain =
    hex(record.subarray(64, 96)) === hex(host) &&
    record[96] === WEBAUTHN_P256 &&
    view.getUint16(97) === PATIENT_CAPABILITIES &&
    view.getBigUint64(99) === NEVER;
  const same = !publicKey || hex(record.subarray(0, 64)) === hex(publicKey);
  if (!plain || !same) throw new Mismatch("key");
  return taggedDigest("pulsekey/key/1", record.subarray(96, 97), record.subarray(0, 96));
}

// terms hash 32 | valid from u64 | valid until u64 | include by u64
async function checkGrant(offer, body, wanted, texts) {
  const terms = readTerms(offer.terms ?? "");
  const sentence = sentenceOf(terms, texts);
  if (terms.sentence !== sentence) throw new Mismatch("sentence");
  checkOffsets(terms);
  const id = hex(await consentId(offer.terms));
  if (offer.consent !== id || hex(body.subarray(0, 32)) !== id) throw new Mismatch("consent");
  const view = viewOf(body);
  const now = wanted.now ?? Math.floor(Date.now() / 1000);
  const valid =
    view.getBigUint64(32) === BigInt(terms.valid.from) &&
    view.getBigUint64(40) === BigInt(terms.valid.until) &&
    view.getBigUint64(48) <= BigInt(now + CLOCK_SECONDS_MAX) &&
    Math.abs(terms.valid.from - now) <= CLOCK_SECONDS_MAX;
  if (!valid) throw new Mismatch("validity");
  if (terms.signer.account !== wanted.account || terms.subject !== wanted.patient) throw new Mismatch("account");
  checkChoice(terms, wanted.choice);
  return { terms, sentence };
}

// Consistent terms could still say something else than what was chosen on the page before.
function checkChoice(terms, choice) {
  const chosen =
    terms.recipient.id === choice.recipient &&
    terms.recipient.name === choice.recipientName &&
    [...terms.categories].sort().join() === [...choice.categories].sort().join() &&
    terms.purpose === choice.purpose &&
    terms.zone === choice.zone &&
    terms.language === choice.language &&
    localText(terms.valid.until, terms.zone) === choice.validUntil &&
    (terms.data.from === null ? "" : localText(terms.data.from, terms.zone)) === choice.dataFrom &&
    terms.data.until === { then: terms.valid.until, now: terms.valid.from, "": null }[choice.dataUntil];
  if (!chosen) throw new Mismatch("choice");
}

/** "2026-12-22T23:59" as the clock of `zone` shows it; seconds other than 0 are shown too. */
export function localText(seconds, zone) {
  const { year, month, day, hour, minute, second } = wallClock(seconds, zone);
  const two = (value) => String(value).padStart(2, "0");
  const clock = `${two(hour)}:${two(minute)}${second ? `:${two(second)}` : ""}`;
  return `${String(year).padStart(4, "0")}-${two(month)}-${two(day)}T${clock}`;
}

function viewOf(array) {
  return new DataView(array.buffer, array.byteOffset, array.byteLength);
}

export function hex(array) {
  return Array.from(array, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

export function bytes(text) {
  if (typeof text !== "string" || !/^([0-9a-f]{2})*$/.test(text)) throw new Mismatch("operation");
  return Uint8Array.from(text.match(/../g) ?? [], (pair) => parseInt(pair, 16));
}
