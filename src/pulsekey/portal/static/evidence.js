// The second verifier of evidence: one file, no dependency, no network. Written from docs/evidence.md; it shares no
// code with the node, not even with this portal, so that two independent programs have to agree on every file.
//
// Bytes are kept as lower-case hexadecimal text, 64-bit numbers as BigInt. Runs in browsers and in Node.js 20 or later.

const FILE_BYTES_MAX = 32 * 1024 ** 2;
const FILE_MARKS_MAX = 2 ** 21;
const ASKED_BYTES_MAX = 2_048;
const CLOSING_SECONDS_MAX = 14_400n;
const OFFSET_SECONDS_MAX = 64_800;
const DEPTH_MAX = 32;
const SKEW_SECONDS = 1n;
const ZERO = "0".repeat(64);
const U64_NONCE_STEP_MAX = 2n ** 32n;

/** The claims, in the order in which they are judged. */
export const CLAIMS = [
  "format", "terms", "signature", "key", "enrolment", "recipient",
  "log", "checkpoint", "state", "stopped", "releases", "anchor",
];

/**
 * Judge an evidence file (its text, or better its bytes). Never rejects, whatever is given.
 * `anchors`: genesis, checkpoints or heads that the caller has from elsewhere; `receipts`: what readers were given.
 * Resolves to `{claims: [{name, ok, detail, said}], anchors: [trust in words]}`. `detail` is English; `said` is the same
 * as `[{template, values}]`, for pages of other languages.
 */
export async function verifyEvidence(content, { receipts = [], anchors = [] } = {}) {
  let parts;
  try {
    parts = readParts(textOf(content, FILE_BYTES_MAX, FILE_MARKS_MAX));
  } catch (error) {
    const why = reason(error);
    return { claims: CLAIMS.map((name, at) => claimed(name, false, at ? "not judged: no file" : why)), anchors: [] };
  }
  const problems = Object.entries(parts).filter(([, part]) => part.problem).map(([part, { problem }]) => say("{part}: {problem}", { part, problem }));
  const claims = [claimed("format", problems.length === 0, problems.length ? problems : "evidence, version 1")];
  const file = opened(parts, receipts, anchors);
  for (const name of CLAIMS.slice(1)) {
    try {
      claims.push(claimed(name, true, await JUDGES[name](file)));
    } catch (error) {
      claims.push(claimed(name, false, reason(error)));
    }
  }
  const last = claims.at(-1);
  return { claims, anchors: last.ok ? last.detail.split("; ") : [] };
}

// --- what is said: English, with the template that it was made from

class Said {
  constructor(template, values) {
    this.template = template;
    this.values = Object.fromEntries(Object.entries(values).map(([name, value]) => [name, value instanceof Said ? value : String(value)]));
  }

  toString() {
    return fill(this.template, this.values);
  }
}

const say = (template, values = {}) => new Said(template, values);
const saidOf = (told) => (told instanceof Said ? told : say(told));

function claimed(name, ok, told) {
  const said = [told].flat().map(saidOf);
  return { name, ok, detail: said.join("; "), said };
}

/** A claim that does not hold, or a part that cannot be read. */
class Broken extends Error {
  constructor(why) {
    super(String(why));
    this.said = saidOf(why);
  }
}

function need(holds, why) {
  if (!holds) throw new Broken(why);
}

const reason = (error) => (error instanceof Broken ? error.said : say("cannot be judged here ({error})", { error: error?.name ?? "error" }));

// --- bytes, text, hashes

const encoder = new TextEncoder();
const PAIRS = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));

function hexOf(bytes) {
  let hex = "";
  for (const byte of bytes) hex += PAIRS[byte];
  return hex;
}

const utf8 = (text) => hexOf(encoder.encode(text));
const u64 = (number) => BigInt(number).toString(16).padStart(16, "0");
const u32 = (number) => BigInt(number).toString(16).padStart(8, "0");
const u16 = (number) => BigInt(number).toString(16).padStart(4, "0");
const u8 = (number) => BigInt(number).toString(16).padStart(2, "0");

function bytesOf(hex) {
  const bytes = new Uint8Array(hex.length / 2);
  for (let at = 0; at < bytes.length; at += 1) bytes[at] = parseInt(hex.slice(2 * at, 2 * at + 2), 16);
  return bytes;
}

/** Bytes as text, exactly: no byte order mark is dropped, nothing is put in for what is not UTF-8. */
function textOf(content, longest, marks = Infinity) {
  const bytes = typeof content === "string" ? encoder.encode(content) : content;
  need(bytes.length <= longest, "too long");
  if (marks < Infinity) need(marksIn(bytes) <= marks, "more values than evidence has");
  if (typeof content === "string") return content;
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new Broken("not UTF-8");
  }
}

/** How often commas and opening brackets and braces stand in a file: there are no more values than these. */
function marksIn(bytes) {
  let count = 0;
  for (const byte of bytes) if (byte === 0x2c || byte === 0x5b || byte === 0x7b) count += 1;
  return count;
}

const base64 = (hex) => btoa(String.fromCharCode(...bytesOf(hex)));

async function sha256(hex) {
  return hexOf(new Uint8Array(await crypto.subtle.digest("SHA-256", bytesOf(hex))));
}

/** The digest of a tag and of a text, for the many entries: no detour over hexadecimal. */
async function taggedText(name, text) {
  const bytes = new Uint8Array(32 + 3 * text.length);
  bytes.set(bytesOf(tag(name)));
  const { written } = encoder.encodeInto(text, bytes.subarray(32));
  return hexOf(new Uint8Array(await crypto.subtle.digest("SHA-256", bytes.subarray(0, 32 + written))));
}

/** A domain tag: a name, filled with zeros to 32 bytes. */
const tag = (name) => utf8(`pulsekey/${name}/1`).padEnd(64, "0");
const tagged = (name, ...fields) => sha256(tag(name) + fields.join(""));

// --- canonical JSON (RFC 8785, integers only, ASCII keys)

function canonical(value, depth = 0) {
  need(depth <= DEPTH_MAX, "nested too deeply");
  if (Array.isArray(value)) return `[${value.map((one) => canonical(one, depth + 1)).join(",")}]`;
  if (typeof value === "object" && value !== null) {
    const names = Object.keys(value).sort();
    need(names.every((name) => /^[\x00-\x7f]*$/.test(name)), "keys are ASCII");
    return `{${names.map((name) => `${JSON.stringify(name)}:${canonical(value[name], depth + 1)}`).join(",")}}`;
  }
  if (typeof value === "number") need(Number.isSafeInteger(value), "only integers that every language holds");
  if (typeof value === "string") need(!/\p{Surrogate}/u.test(value), "not a text");
  return JSON.stringify(value);
}

function parsed(text) {
  let document;
  try {
    document = JSON.parse(text);
  } catch {
    throw new Broken("not JSON");
  }
  return document;
}

/** The document of a text that is canonical JSON, or `null`. */
function strictly(text) {
  try {
    const document = parsed(text);
    return canonical(document) === text ? document : null;
  } catch {
    return null;
  }
}

// --- shapes: docs/evidence.md, section 2

const isText = (value) => typeof value === "string";
const isInteger = (value) => Number.isSafeInteger(value);
const isNatural = (value) => isInteger(value) && value >= 0;
const exactly = (wanted) => (value) => value === wanted;
const oneOf = (...names) => (value) => names.includes(value);
const isHex = (least, most = least) => (value) =>
  isText(value) && value.length % 2 === 0 && value.length >= 2 * least && value.length <= 2 * most && /^[0-9a-f]*$/.test(value);
const orNull = (shape) => (value) => value === null || shape(value);
const arrayOf = (shape, most, least = 0) => (value) =>
  Array.isArray(value) && value.length >= least && value.length <= most && value.every(shape);
const objectOf = (members) => {
  const names = Object.keys(members).sort().join();
  return (value) =>
    typeof value === "object" && value !== null && !Array.isArray(value) &&
    Object.keys(value).sort().join() === names && Object.keys(members).every((name) => members[name](value[name]));
};

const rowOf = (...columns) => (value) => Array.isArray(value) && value.length === columns.length && columns.every((shape, at) => shape(value[at]));

const isDigest = isHex(32);
const isPath = arrayOf(isDigest, 128);
const isOrganisation = objectOf({ id: isText, name: isText });

const CATEGORIES = {
  activity: ["activity", "日常活动"],
  allergies: ["allergies", "过敏"],
  "blood-pressure": ["blood pressure", "血压"],
  body: ["body measurements", "身体测量"],
  "care-plans": ["care plans and care teams", "照护计划与团队"],
  conditions: ["conditions", "疾病诊断"],
  demographics: ["name, birth date and contact details", "姓名、出生日期与联系方式"],
  devices: ["devices", "医疗器械"],
  documents: ["documents", "文档"],
  ecg: ["ECG", "心电图"],
  encounters: ["visits", "就诊记录"],
  exercise: ["exercise", "运动"],
  glucose: ["glucose", "血糖"],
  hearing: ["hearing", "听力与噪声"],
  "heart-rate": ["heart rate", "心率"],
  imaging: ["imaging", "影像检查"],
  immunisations: ["vaccinations", "疫苗接种"],
  insurance: ["insurance and billing", "保险与账单"],
  laboratory: ["laboratory results", "化验结果"],
  location: ["location", "位置"],
  medication: ["medication", "用药"],
  "mental-health": ["mental health", "心理健康"],
  nutrition: ["nutrition", "营养"],
  oxygen: ["blood oxygen", "血氧"],
  procedures: ["procedures", "手术与操作"],
  reports: ["reports", "检查报告"],
  "reproductive-health": ["reproductive health", "生殖健康"],
  respiration: ["breathing", "呼吸"],
  skin: ["skin sensors", "皮肤传感器数据"],
  sleep: ["sleep", "睡眠"],
  "social-history": ["social history", "社会史"],
  "substance-use": ["substance use", "物质使用"],
  temperature: ["temperature", "体温"],
  unclassified: ["data of unknown kind", "未分类数据"],
};

const isStatement = objectOf({
  account: (value) => value === "" || isDigest(value),
  custodian: isText,
  custodian_name: isText,
  format: exactly("pulsekey/enrolment/1"),
  key: isDigest,
  method: oneOf(
    "in-person-document", "remote-document", "known-to-staff", "professional-register", "employment-record", "test-data",
  ),
  name: isDigest,
  operator: isText,
  organisation: isText,
  organisation_name: isText,
  person: isDigest,
  role: oneOf("patient", "clinician", "operator"),
  rp_id_hash: isDigest,
  stated_at: isNatural,
  subject: isText,
});

const isTexts = arrayOf(isText, 256);
const isOpening = objectOf({
  chains: arrayOf(objectOf({ chain: isDigest, counter: isNatural, entry: isDigest }), 10_000),
  leaf: objectOf({ salt: isDigest, size: isNatural, manifest: isDigest }),
  patients: objectOf({ place: isNatural, count: isNatural, inclusion: isPath }),
});

const isReceipt = objectOf({
  type: exactly("pulsekey/read-receipt"),
  ledger: isDigest,
  chain: isDigest,
  counter: (value) => isNatural(value) && value > 0,
  entry: isDigest,
  at: isNatural,
  signature: isHex(64),
});

const SHAPES = {
  genesis: objectOf({
    checkpoint_key: isDigest,
    created: isNatural,
    custodian: objectOf({ account: isDigest, key: isHex(107) }),
    format: exactly("pulsekey/genesis/1"),
    name: isText,
    program: exactly(1),
    salt: isDigest,
    settlement: isText,
  }),
  terms: objectOf({
    type: exactly("pulsekey/terms"),
    version: exactly(1),
    subject: isText,
    signer: objectOf({ account: isDigest, basis: exactly("self") }),
    recipient: objectOf({
      kind: exactly("person"), id: isText, name: isText, organisation: isOrganisation, confirmation: isDigest,
    }),
    controller: objectOf({ organisation: isOrganisation, contact: isText }),
    categories: arrayOf(oneOf(...Object.keys(CATEGORIES)), Object.keys(CATEGORIES).length, 1),
    exclusions: arrayOf(isText, 1_000),
    purpose: isText,
    valid: objectOf({ from: isNatural, until: isNatural }),
    data: objectOf({ from: orNull(isInteger), until: orNull(isInteger) }),
    zone: isText,
    offsets: objectOf({ validUntil: isInteger, dataFrom: orNull(isInteger), dataUntil: orNull(isInteger) }),
    jurisdiction: isText,
    language: isText,
    legalBasis: isText,
    catalogue: (value) => isInteger(value) && Object.hasOwn(RELEASED, value),
    sentence: isText,
    salt: isDigest,
  }),
  enrolment: objectOf({ statement: isStatement, signature: isHex(64) }),
  recipient: objectOf({ statement: isStatement, signature: isHex(64), nameSalt: isDigest }),
  operations: arrayOf(objectOf({ signed: isHex(1, 4_096), step: isHex(124), inclusion: isPath }), 256, 3),
  head: isHex(251),
  checkpoint: isText,
  states: arrayOf(objectOf({ key: isDigest, value: isDigest, proof: isHex(4, 16_384) }), 512),
  releases: objectOf({
    asked: arrayOf(objectOf({ types: isTexts, categories: isTexts, codes: isTexts, limit: isNatural }), 150_000),
    reads: arrayOf(rowOf(isNatural, isNatural, orNull(isInteger), orNull(isInteger), isHex(16)), 150_000),
    newest: isOpening,
    closing: orNull(isOpening),
  }),
  anchor: objectOf({
    head: isHex(251),
    consistency: isPath,
    chain: isText,
    block: isNatural,
    time: isNatural,
    accumulator: isDigest,
    signature: isHex(64),
  }),
};

// --- reading

const READERS = {
  genesis: (raw) => {
    for (const name of [raw.name, raw.settlement]) need([...name].length >= 1 && [...name].length <= 200, "a name's length");
    return { raw, text: canonical(raw) };
  },
  terms: (raw) => sized(raw, 16_384),
  enrolment: (raw) => ({ ...sized(raw.statement, 4_096), signature: raw.signature }),
  recipient: (raw) => ({ ...sized(raw.statement, 4_096), signature: raw.signature, nameSalt: raw.nameSalt }),
  operations: readOperations,
  head: readHead,
  checkpoint: (raw) => raw,
  states: (raw) => raw,
  releases: readReleases,
  anchor: (raw) => ({ ...raw, anchored: readHead(raw.head), raw }),
};

function readParts(text) {
  const document = parsed(text);
  need(canonical(document) === text, "not canonical JSON");
  const names = Object.keys(READERS);
  const known = ["type", "version", ...names].sort().join();
  need(typeof document === "object" && document !== null && Object.keys(document).sort().join() === known, "not the members of an evidence file");
  need(document.type === "pulsekey/evidence" && document.version === 1, "not evidence of version 1");
  return Object.fromEntries(names.map((name) => [name, readPart(name, document[name])]));
}

function readPart(name, raw) {
  if (name === "enrolment" && raw === null) return { value: null };
  if (!SHAPES[name](raw)) return { problem: "not of the form that version 1 describes" };
  try {
    return { value: READERS[name](raw) };
  } catch (error) {
    return { problem: reason(error) };
  }
}

function readReleases({ asked, reads, newest, closing }) {
  const kinds = asked.map(canonical);
  let used = 0;
  for (const [, place] of reads) {
    need(place <= used, "what was asked for is too long, or not in the order of its use");
    if (place === used) used += 1;
  }
  const fits = used === asked.length && kinds.every((what) => encoder.encode(what).length <= ASKED_BYTES_MAX);
  need(fits, "what was asked for is too long, or not in the order of its use");
  need(new Set(kinds).size === kinds.length, "the same was asked for twice");
  return { reads: reads.map(([at, place, from, until, salt]) => ({ at, asked: asked[place], from, until, salt })), newest, closing };
}

/** The parts as properties that refuse to be read where there is nothing to judge by. */
function opened(parts, receipts, anchors) {
  const file = { receipts, anchors };
  for (const [name, part] of Object.entries(parts)) {
    Object.defineProperty(file, name, {
      get() {
        need(!part.problem, say("not judged: {part} cannot be read", { part: name }));
        return part.value;
      },
    });
  }
  return file;
}

function sized(raw, most) {
  const text = canonical(raw);
  need(encoder.encode(text).length <= most, "too long");
  return { raw, text };
}

/** Takes fixed-width fields off the front of hexadecimal text. */
class Cursor {
  constructor(hex) {
    this.hex = hex;
    this.at = 0;
  }

  take(count) {
    const field = this.hex.slice(this.at, this.at + 2 * count);
    need(field.length === 2 * count, "cut off");
    this.at += 2 * count;
    return field;
  }

  number(count) {
    return BigInt(`0x${this.take(count)}`);
  }

  sized(most) {
    const size = Number(this.number(2));
    need(size <= most, "oversized");
    return this.take(size);
  }

  end() {
    need(this.at === this.hex.length, "bytes after its end");
  }
}

const KINDS = { 1: "register", 2: "add_key", 3: "remove_key", 4: "grant", 5: "revoke", 6: "revoke_all", 7: "commit" };

function readOperations(raw) {
  const operations = raw.map(({ signed, step, inclusion }) => ({ ...readSigned(signed), signed, step: readStep(step), stepBytes: step, inclusion }));
  const kinds = operations.map((one) => one.kind);
  const middle = kinds.slice(1, -1);
  need(
    kinds[0] === "register" && kinds.at(-1) === "commit" && middle.filter((kind) => kind === "grant").length === 1 &&
      !middle.includes("register") && middle.filter((kind) => kind === "commit").length <= 1,
    "a register, then one grant among others of the account, then a commit",
  );
  return operations;
}

function readSigned(signed) {
  const cursor = new Cursor(signed);
  const operation = cursor.sized(213);
  const witness = { scheme: Number(cursor.number(1)), x: cursor.take(32), y: cursor.take(32), rp: cursor.take(32), r: cursor.take(32), s: cursor.take(32) };
  witness.data = cursor.sized(256);
  witness.suffix = cursor.sized(512);
  cursor.end();
  need(witness.scheme === 1 || witness.scheme === 2, "an unknown signature scheme");
  return { operation, witness, ...readOperation(operation) };
}

function readOperation(hex) {
  const cursor = new Cursor(hex);
  need(cursor.number(1) === 1n, "an operation of an unknown version");
  const kind = KINDS[Number(cursor.number(1))];
  need(kind, "an operation of an unknown kind");
  const operation = { kind, account: cursor.take(32), nonce: cursor.number(8), signer: cursor.take(32), body: hex.slice(148) };
  if (kind === "register" || kind === "add_key") operation.record = readRecord(cursor);
  if (kind === "register") cursor.take(32);
  if (kind === "remove_key") operation.removed = cursor.take(32);
  if (kind === "grant" || kind === "revoke") operation.consent = cursor.take(32);
  if (kind === "grant") Object.assign(operation, { from: cursor.number(8), until: cursor.number(8), includeBy: cursor.number(8) });
  if (kind === "commit") Object.assign(operation, { root: cursor.take(32), interval: cursor.number(8) });
  cursor.end();
  return operation;
}

function readRecord(cursor) {
  const record = { x: cursor.take(32), y: cursor.take(32), rp: cursor.take(32), scheme: Number(cursor.number(1)), capabilities: cursor.number(2), expires: cursor.number(8) };
  need(record.scheme === 1 || record.scheme === 2, "an unknown signature scheme");
  return record;
}

function readStep(hex) {
  const cursor = new Cursor(hex);
  need(cursor.take(2) === "0100", "a step of an unknown version");
  const step = { batch: cursor.number(8), index: cursor.number(8), time: cursor.number(8), operation: cursor.take(32), code: cursor.number(2) };
  cursor.take(64);
  cursor.end();
  return step;
}

function readHead(hex) {
  const cursor = new Cursor(hex);
  need(cursor.take(2) === "0100", "a head of an unknown version");
  const head = {
    bytes: hex, ledger: cursor.take(32), batch: cursor.number(8), time: cursor.number(8), stateRoot: cursor.take(32),
    size: cursor.number(8), root: cursor.take(32),
  };
  need(cursor.take(1) === "01", "a head of an unknown version");
  cursor.take(64);
  need(cursor.take(64) === ZERO + ZERO, "a head with fields of a later version");
  cursor.end();
  return head;
}

// --- signatures

const keyId = (scheme, x, y, rp) => tagged("key", u8(scheme), x, y, rp);
const ledgerOf = (genesis) => tagged("genesis", utf8(genesis.text));

async function p256Holds(x, y, r, s, message) {
  let key;
  try {
    key = await crypto.subtle.importKey("raw", bytesOf(`04${x}${y}`), { name: "ECDSA", namedCurve: "P-256" }, false, ["verify"]);
  } catch {
    return false; // Not a point of the curve.
  }
  return crypto.subtle.verify({ name: "ECDSA", hash: "SHA-256" }, key, bytesOf(r + s), bytesOf(message));
}

/** Whether the custodian of the genesis signed a digest with Ed25519. */
async function custodianSigned(genesis, signature, message) {
  const key = await crypto.subtle.importKey("raw", bytesOf(genesis.raw.checkpoint_key), { name: "Ed25519" }, false, ["verify"]);
  return crypto.subtle.verify({ name: "Ed25519" }, key, bytesOf(signature), bytesOf(message));
}

async function witnessHolds(ledger, { operation, witness }) {
  const preimage = tag("operation-challenge") + "01" + ledger + operation;
  // WebCrypto hashes what it verifies: for a plain key that is the challenge's own preimage.
  if (witness.scheme === 2) return p256Holds(witness.x, witness.y, witness.r, witness.s, preimage);
  const { data, suffix } = witness;
  const flags = Number(`0x${data.slice(64, 66) || "0"}`);
  if (data.length < 74 || data.slice(0, 64) !== witness.rp || (flags & 5) !== 5) return false;
  if (!suffix.startsWith(utf8('","origin":"'))) return false;
  const challenge = base64(await sha256(preimage)).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
  const clientData = utf8(`{"type":"webauthn.get","challenge":"${challenge}`) + suffix;
  return p256Holds(witness.x, witness.y, witness.r, witness.s, data + (await sha256(clientData)));
}

// --- trees

const pair = (left, right) => sha256(`01${left}${right}`);

/** The root that an RFC 9162 inclusion path leads to. */
async function rootOver(entry, index, size, path) {
  need(index < size, "a place beyond the end");
  let [place, last, node] = [BigInt(index), BigInt(size) - 1n, await sha256(`00${entry}`)];
  for (const sibling of path) {
    need(last > 0n, "the inclusion proof is too long");
    if (place % 2n === 1n || place === last) {
      node = await pair(sibling, node);
      while (place % 2n === 0n && place > 0n) [place, last] = [place / 2n, last / 2n];
    } else {
      node = await pair(node, sibling);
    }
    [place, last] = [place / 2n, last / 2n];
  }
  need(last === 0n, "the inclusion proof is too short");
  return node;
}

/** RFC 9162, section 2.1.4.2. */
async function checkConsistency(oldSize, oldRoot, newSize, newRoot, path) {
  need(oldSize <= newSize, "a log does not shrink");
  if (oldSize === newSize || oldSize === 0n) {
    const root = oldSize === newSize ? newRoot : await sha256("");
    need(path.length === 0 && root === oldRoot, "another log of the same size");
    return;
  }
  const nodes = (oldSize & (oldSize - 1n)) === 0n ? [oldRoot, ...path] : [...path];
  need(nodes.length > 0, "the consistency proof is empty");
  let [place, last] = [oldSize - 1n, newSize - 1n];
  while (place % 2n === 1n) [place, last] = [place / 2n, last / 2n];
  let [older, newer] = [nodes[0], nodes[0]];
  for (const node of nodes.slice(1)) {
    need(last > 0n, "the consistency proof is too long");
    if (place % 2n === 1n || place === last) {
      [older, newer] = [await pair(node, older), await pair(node, newer)];
      while (place % 2n === 0n && place > 0n) [place, last] = [place / 2n, last / 2n];
    } else {
      newer = await pair(newer, node);
    }
    [place, last] = [place / 2n, last / 2n];
  }
  need(last === 0n && older === oldRoot && newer === newRoot, "the consistency proof leads elsewhere");
}

/** The value that a state proof shows for a key: zeros if it is absent. */
async function provedValue(root, key, proof) {
  const cursor = new Cursor(proof);
  need(cursor.number(1) === 1n, "a state proof of an unknown version");
  const [depth, kind] = [Number(cursor.number(2)), Number(cursor.number(1))];
  need(depth <= 256 && kind <= 1, "not a state proof");
  const bits = (hex) => BigInt(`0x${hex}`).toString(2).padStart(256, "0");
  let [node, value] = [ZERO, ZERO];
  if (kind === 1) {
    const [other, there] = [cursor.take(32), cursor.take(32)];
    need(there !== ZERO && bits(other).slice(0, depth) === bits(key).slice(0, depth), "a leaf that does not belong there");
    node = await tagged("state-leaf", other, there);
    if (other === key) value = there;
  }
  const siblings = Array.from({ length: depth }, () => cursor.take(32));
  cursor.end();
  for (let at = depth - 1; at >= 0; at -= 1) {
    const sides = bits(key)[at] === "0" ? [node, siblings[at]] : [siblings[at], node];
    node = await tagged("state-node", ...sides);
  }
  need(node === root, "a state proof does not lead to the head's state");
  return value;
}

// --- the program, as far as a file needs it

const CAPABILITY = { add_key: 16n, remove_key: 16n, grant: 1n, revoke: 2n, revoke_all: 2n };
const grantOf = (operations) => operations.find((one) => one.kind === "grant");

async function replay(operations) {
  const grant = grantOf(operations);
  const state = { account: operations[0].account, nonce: 0n, revokedThrough: 0n, count: 0, keys: new Map(), grant: null };
  // A commitment is the custodian's own; `releases` judges it.
  for (const one of operations.filter(({ kind }) => kind !== "commit")) {
    const { index, time } = one.step;
    const refuse = (holds, why) => need(holds, say("operation {index} could not have been executed: {problem}", { index, problem: say(why) }));
    need(one.account === state.account, say("operation {index} is of another account", { index }));
    need(!one.consent || one.consent === grant.consent, say("operation {index} is about another consent", { index }));
    refuse(one.nonce > state.nonce, "nonce not rising");
    if (one.kind === "register") {
      const own = one.account === (await tagged("account", one.body)) && one.signer === one.newKey;
      need(own, "the registration is not of its own account and key");
      refuse(one.nonce <= U64_NONCE_STEP_MAX, "nonce too far");
      refuse(one.record.capabilities > 0n && one.record.capabilities <= 63n, "bad capabilities");
      refuse(one.record.expires > time, "bad expiry");
    } else {
      const signer = state.keys.get(one.signer);
      refuse(signer, "unknown key");
      refuse(!signer.removed, "removed key");
      refuse(signer.expires > time, "expired key");
      refuse(signer.capabilities & CAPABILITY[one.kind], "lacks capability");
      refuseBody(refuse, one, state, signer);
    }
    state.nonce = one.nonce;
    await perform(one, state);
  }
  return state;
}

function refuseBody(refuse, one, state, signer) {
  const { time } = one.step;
  if (one.kind === "add_key") {
    const { capabilities, expires } = one.record;
    refuse(capabilities > 0n && (capabilities & ~signer.capabilities) === 0n, "bad capabilities");
    refuse(expires > time && expires <= signer.expires, "bad expiry");
    refuse(!state.keys.has(one.newKey), "key already used");
    refuse(state.count < 64, "too many keys");
  }
  if (one.kind === "remove_key") {
    refuse(one.removed !== one.signer, "self removal");
    refuse(state.keys.has(one.removed) && !state.keys.get(one.removed).removed, "no such key");
  }
  if (one.kind === "grant") {
    refuse(time <= one.includeBy, "included too late");
    refuse(one.until > one.from && one.until > time, "bad period");
    refuse(state.grant === null, "consent already used");
  }
}

async function perform(one, state) {
  const added = one.kind === "register" || one.kind === "add_key";
  if (added) {
    state.keys.set(one.newKey, { ...one.record, removed: false });
    state.count += 1;
  }
  if (one.kind === "remove_key") {
    state.keys.get(one.removed).removed = true;
    state.count -= 1;
  }
  if (one.kind === "grant") state.grant = { nonce: one.nonce, from: one.from, until: one.until, stopped: false };
  if (one.kind === "revoke") {
    state.grant ??= { nonce: one.nonce, from: 0n, until: 0n, stopped: false };
    state.grant.stopped = true;
  }
  if (one.kind === "revoke_all") state.revokedThrough = one.nonce;
}

/** Give every operation that brings a key the key's name. */
async function named(operations) {
  for (const one of operations) {
    if (one.record) one.newKey ??= await keyId(one.record.scheme, one.record.x, one.record.y, one.record.rp);
  }
  return operations;
}

function stoppedAt(operations) {
  const grant = grantOf(operations);
  return operations.find(
    (one) => one.step.index > grant.step.index && (one.kind === "revoke_all" || (one.kind === "revoke" && one.consent === grant.consent)),
  )?.step;
}

/** The first commitment that the file shows to all of the chain. */
const closedAt = (operations) => operations.find(({ kind }) => kind === "commit").step;

// --- the claims

const day = (seconds) => {
  const moment = new Date(Number(seconds) * 1000);
  return Number.isNaN(moment.getTime()) ? `second ${seconds}` : `${moment.toISOString().slice(0, 19).replace("T", " ")} UTC`;
};
const second = (micros) => BigInt(micros) / 1_000_000n;

const JUDGES = {
  async terms({ terms, operations }) {
    const [grant, raw] = [grantOf(operations), terms.raw];
    const consent = await tagged("terms", utf8(terms.text));
    need(consent === grant.consent, "the grant is about other terms");
    need(raw.signer.account === operations[0].account, "the terms name another account");
    need(
      BigInt(raw.valid.from) === grant.from && BigInt(raw.valid.until) === grant.until,
      "the terms and the grant differ about when may be read",
    );
    checkTerms(raw);
    need(raw.sentence === sentenceOf(raw), "the sentence is not the one that follows from the terms");
    return [say("consent {consent}: {sentence}", { consent, sentence: raw.sentence }), ...clockNote(raw)];
  },

  async signature({ genesis, operations }) {
    const ledger = await ledgerOf(genesis);
    for (const one of await named(operations)) {
      const { index } = one.step;
      const { witness } = one;
      if (witness.scheme === 2) need(witness.rp === ZERO && !witness.data && !witness.suffix, say("operation {index}: malformed", { index }));
      if (one.record?.scheme === 2) need(one.record.rp === ZERO, say("operation {index}: malformed", { index }));
      if (one.kind === "register") {
        need(one.account === (await tagged("account", one.body)) && one.signer === one.newKey, say("operation {index}: not its account", { index }));
      }
      need((await keyId(witness.scheme, witness.x, witness.y, witness.rp)) === one.signer, say("operation {index}: foreign witness", { index }));
      need(await witnessHolds(ledger, one), say("operation {index}: bad signature", { index }));
      need(one.kind !== "grant" || witness.scheme === 1, "the grant is signed by a server's key, not with a passkey");
    }
    return say("{count} operations; for the grant, user present and verified", { count: operations.length });
  },

  async key({ operations }) {
    await replay(await named(operations));
    const { signer } = grantOf(operations);
    const key = signer.slice(0, 12);
    return signer === operations[0].signer ? say("key {key}, registered first", { key }) : say("key {key}, added later", { key });
  },

  async enrolment({ genesis, terms, enrolment }) {
    need(enrolment !== null, "nobody has stated who holds this account");
    await checkStatement(genesis, terms.raw, enrolment);
    const { raw } = enrolment;
    need(raw.role === "patient" && raw.account === terms.raw.signer.account, "the statement is not about the patient who holds this account");
    return say("{custodian}, {method}, {day}", { custodian: raw.custodian_name, method: raw.method, day: day(raw.stated_at) });
  },

  async recipient({ genesis, terms, recipient: stated }) {
    await checkStatement(genesis, terms.raw, stated);
    const [{ recipient }, { raw }] = [terms.raw, stated];
    need((await sha256(utf8(stated.text))) === recipient.confirmation, "the terms name another confirmation");
    need(raw.role === "clinician" && raw.subject === recipient.id, "the confirmation is not about this recipient");
    need(
      raw.organisation === recipient.organisation.id && raw.organisation_name === recipient.organisation.name,
      "the confirmation names another organisation",
    );
    const commitment = await tagged("person-commitment", stated.nameSalt, utf8(recipient.name));
    need(commitment === raw.name, "the confirmation is about another name");
    return say("{recipient}, {organisation}: {method}", { recipient: recipient.name, organisation: recipient.organisation.name, method: raw.method });
  },

  async log({ genesis, head, operations }) {
    need(head.ledger === (await ledgerOf(genesis)), "the head is of another ledger");
    let before = -1n;
    for (const { signed, step, stepBytes, inclusion } of operations) {
      need(step.index > before, "operations are not in the order of the log");
      before = step.index;
      need((await tagged("signed-operation", signed)) === step.operation, say("step {index} is of another operation", { index: step.index }));
      need(step.code === 0n, say("operation {index} was refused", { index: step.index }));
      need((await rootOver(stepBytes, step.index, head.size, inclusion)) === head.root, "an inclusion proof does not lead to the log's root");
    }
    return say("{count} steps under a log of {size}", { count: operations.length, size: head.size });
  },

  async checkpoint({ genesis, head, checkpoint }) {
    const { text } = await openCheckpoint(genesis, checkpoint);
    need(text === (await checkpointText(head)), "the checkpoint was signed for another head");
    return say("ledger {ledger}, batch {batch}, {day}", { ledger: head.ledger, batch: head.batch, day: day(head.time) });
  },

  async state({ head, states, operations }) {
    for (const { key, value, proof } of states) {
      need((await provedValue(head.stateRoot, key, proof)) === value, "a state proof shows another value");
    }
    let replayed;
    try {
      replayed = await replay(await named(operations));
    } catch {
      throw new Broken("not judged: the operations do not follow from each other");
    }
    await checkStates(replayed, states, operations);
    return say("{state} as at {day}", { state: say(stateAt(replayed, head.time)), day: day(head.time) });
  },

  async stopped({ operations, releases }) {
    const stop = stoppedAt(operations);
    if (!stop) return "not stopped";
    for (const [place, { at }] of releases.reads.entries()) {
      need(second(at) <= stop.time + SKEW_SECONDS, say("release {counter} is later than step {index}", { counter: place + 1, index: stop.index }));
    }
    checkClosed(operations, releases, stop.time);
    return say("at step {index}, {day}; no release after it", { index: stop.index, day: day(stop.time) });
  },

  async releases({ genesis, terms, operations, releases, receipts }) {
    const digests = await checkChain(terms, operations, releases);
    await checkCommitments(genesis, terms, operations, releases, digests);
    const { time } = operations.at(-1).step;
    if (time >= BigInt(terms.raw.valid.until)) checkClosed(operations, releases, BigInt(terms.raw.valid.until));
    const found = await checkReceipts(genesis, terms, operations, releases, digests, receipts);
    const closed = digests.length ? [say("nothing was added to them after {day}", { day: day(closedAt(operations).time) })] : [];
    return [say("{count} releases until {day}, without a gap", { count: digests.length, day: day(time) }), ...closed, ...found];
  },

  async anchor({ genesis, head, operations, anchor, anchors }) {
    const { anchored, raw } = anchor;
    const { signature, ...said } = raw;
    const message = await tagged("evidence-anchor", utf8(canonical(said)));
    need(await custodianSigned(genesis, signature, message), "what is said of the anchor is not signed by this ledger's custodian");
    const ledger = await ledgerOf(genesis);
    need(anchored.ledger === ledger && head.ledger === ledger, "the anchored head is of another ledger");
    const last = operations.at(-1).step.index;
    need(anchored.batch >= head.batch && head.size > last, "the anchor does not cover every operation");
    need(anchored.batch !== head.batch || anchored.bytes === head.bytes, "the anchored head is another one of the same batch");
    await checkConsistency(head.size, head.root, anchored.size, anchored.root, raw.consistency);
    need(anchors.length <= 16, "more than 16 anchors were given");
    const trust = [
      raw.chain.split(":")[0] === "embedded"
        ? "embedded: consistency only"
        : say("chain {chain}, block {block}: look head {head} up there", { chain: raw.chain, block: raw.block, head: await headName(anchored) }),
    ];
    for (const given of anchors) trust.push(await compared(genesis, [head, anchored], textOf(given, 256 * 1024)));
    return trust;
  },
};

async function checkStatement(genesis, terms, stated) {
  const message = await tagged("enrolment", utf8(stated.text));
  need(await custodianSigned(genesis, stated.signature, message), "the statement is not signed by this ledger's custodian");
  const { id, name } = terms.controller.organisation;
  need(stated.raw.custodian === id && stated.raw.custodian_name === name, "the statement is by another custodian than the terms name");
}

async function checkStates(replayed, states, operations) {
  const { account, grant } = replayed;
  const commit = operations.at(-1);
  const expected = [[await tagged("state-account", account), null]];
  for (const [id, key] of replayed.keys) {
    const value = u16(key.capabilities) + u64(key.expires) + "00".repeat(21) + (key.removed ? "02" : "01");
    expected.push([await tagged("state-key", account, id), value]);
  }
  const granted = u64(grant.nonce) + u64(grant.from) + u64(grant.until) + "00".repeat(7) + (grant.stopped ? "02" : "01");
  expected.push([await tagged("state-grant", account, grantOf(operations).consent), granted]);
  expected.push([await tagged("state-commitment", commit.account), commit.root]);
  need(
    states.length === expected.length && states.every(({ key }, at) => key === expected[at][0]),
    "the proved slots are not those of the account, keys and consent",
  );
  const slot = new Cursor(states[0].value);
  const [nonce, through] = [slot.number(8), slot.number(8)];
  need(states[0].value.endsWith("01") && nonce >= replayed.nonce, "the account is behind its own operations");
  const before = replayed.revokedThrough === 0n && through < grant.nonce;
  need(through === replayed.revokedThrough || before, "a stop of everything was left out");
  need(states.every(({ value }, at) => at === 0 || value === expected[at][1]), "a change of a key, the consent or the commitment was left out");
}

function stateAt({ grant, revokedThrough }, time) {
  if (grant.stopped || grant.nonce <= revokedThrough) return "stopped";
  if (time < grant.from) return "not yet";
  return time < grant.until ? "live" : "expired";
}

async function checkChain(terms, operations, releases) {
  const digests = [];
  const [{ raw }, grant, closed] = [terms, grantOf(operations), closedAt(operations).time];
  const chain = await tagged("terms", utf8(terms.text));
  const [first, last] = [boundOf(raw.data.from), boundOf(raw.data.until)];
  let before = 0;
  for (const { at, asked, from, until, salt } of releases.reads) {
    const counter = digests.length + 1;
    const whole = second(at);
    need(at >= before, say("release {counter} is earlier than the one before it", { counter }));
    need(
      whole + SKEW_SECONDS >= grant.step.time && whole >= BigInt(raw.valid.from) && whole < BigInt(raw.valid.until),
      say("release {counter} is outside of the time consented to", { counter }),
    );
    need(whole <= closed + SKEW_SECONDS, say("release {counter} is later than the commitment to it", { counter }));
    const named = asked.categories.length > 0 && asked.categories.every((name) => raw.categories.includes(name));
    need(named, say("release {counter} is of categories that were not consented to", { counter }));
    const within = (first === null || (from !== null && from >= first)) && (last === null || (until !== null && until <= last));
    need(within, say("release {counter} is of a period that was not consented to", { counter }));
    before = at;
    digests.push(await taggedText("access-entry", canonical({
      type: "pulsekey/access", version: 1, chain, counter, previous: digests.at(-1) ?? ZERO, patient: raw.subject, reader: raw.recipient.id,
      basis: "consent", purpose: raw.purpose, at, reason: "", asked: { ...asked, from, until }, salt,
    })));
  }
  return digests;
}

/** A bound of the terms in microseconds, as an entry can hold it. */
function boundOf(seconds) {
  if (seconds === null) return null;
  return Math.min(Math.max(seconds * 1_000_000, -Number.MAX_SAFE_INTEGER), Number.MAX_SAFE_INTEGER);
}

async function checkCommitments(genesis, terms, operations, releases, digests) {
  const commits = operations.filter(({ kind }) => kind === "commit");
  need((releases.closing !== null) === (commits.length === 2), "a commitment that nothing opens, or the opening of none");
  await checkCommitment(genesis, terms, commits.at(-1), releases.newest, digests);
  if (releases.closing !== null) await checkCommitment(genesis, terms, commits[0], releases.closing, digests);
}

async function checkCommitment(genesis, terms, commit, { chains, leaf, patients }, digests) {
  const { account, key } = genesis.raw.custodian;
  const custodian = await keyId(Number(`0x${key.slice(192, 194)}`), key.slice(0, 64), key.slice(64, 128), key.slice(128, 192));
  need(commit.account === account && commit.signer === custodian, "the commitment is not this ledger's custodian's");
  need(chains.every(({ chain }, at) => at === 0 || chain > chains[at - 1].chain), "the patient's chains are not in order");
  const consent = await tagged("terms", utf8(terms.text));
  const newest = chains.find(({ chain }) => chain === consent);
  const ends = digests.length ? newest?.counter === digests.length && newest.entry === digests.at(-1) : newest === undefined;
  need(ends, "the access chain does not end where the custodian committed to it");
  const heads = await tagged("access-heads", ...chains.map((one) => one.chain + u64(one.counter) + one.entry));
  const own = await tagged("manifest", leaf.salt, u64(leaf.size), leaf.manifest, heads, utf8(terms.raw.subject));
  const root = await rootOver(own, patients.place, patients.count, patients.inclusion);
  need((await tagged("custodian-root", u64(patients.count), root)) === commit.root, "the custodian did not commit to this access log");
}

/** The reads were committed to before, or soon after, no more were allowed. */
function checkClosed(operations, releases, end) {
  const closed = closedAt(operations).time;
  need(
    releases.reads.length === 0 || closed <= end + CLOSING_SECONDS_MAX,
    say("the reads were first committed to {seconds} seconds after the end: too late to show that none was added", { seconds: closed - end }),
  );
}

async function checkReceipts(genesis, terms, operations, releases, digests, given) {
  need(given.length <= 10_000, "more than 10000 receipts were given");
  const ledger = await ledgerOf(genesis);
  const [consent, committed] = [await tagged("terms", utf8(terms.text)), operations.at(-1).step.time];
  let [fitting, later] = [0, 0];
  for (const content of given) {
    const receipt = readReceipt(textOf(content, 4_096));
    const { counter } = receipt;
    const message = await tagged("read-receipt", receipt.ledger, receipt.chain, u64(counter), receipt.entry, u64(receipt.at));
    need(await custodianSigned(genesis, receipt.signature, message), "a read receipt is not signed by this custodian");
    need(receipt.ledger === ledger && receipt.chain === consent, "a receipt is about another consent");
    checkReceiptTime(terms.raw, operations, receipt);
    if (counter > digests.length) {
      need(
        second(receipt.at) + SKEW_SECONDS >= committed,
        say("misconduct: a reader holds receipt {counter}, and the chain was cut off after entry {count}", { counter, count: digests.length }),
      );
      later += 1;
    } else {
      need(
        receipt.entry === digests[counter - 1] && receipt.at === releases.reads[counter - 1].at,
        say("misconduct: a reader holds a receipt for another entry {counter}", { counter }),
      );
      fitting += 1;
    }
  }
  const found = [];
  if (fitting) found.push(say("{count} receipts: agree", { count: fitting }));
  if (later) found.push(say("{count} receipts: later than this file, which does not cover them", { count: later }));
  return found;
}

function checkReceiptTime({ valid }, operations, { at, counter }) {
  const [whole, stop] = [second(at), stoppedAt(operations)];
  need(
    whole + SKEW_SECONDS >= grantOf(operations).step.time && whole >= BigInt(valid.from) && whole < BigInt(valid.until),
    say("misconduct: a reader holds receipt {counter} for a time outside of the consent", { counter }),
  );
  need(!stop || whole <= stop.time + SKEW_SECONDS, say("misconduct: a reader holds receipt {counter} for a read after the stop", { counter }));
}

/** What was given, without the one line feed that editors put at the end. */
const unended = (text) => (text.endsWith("\n") ? text.slice(0, -1) : text);

function readReceipt(given) {
  let text = unended(given);
  if (!text.startsWith("{")) {
    const standard = /^[A-Za-z0-9_-]*={0,2}$/.test(text) ? text.replaceAll("-", "+").replaceAll("_", "/") : "";
    try {
      const plain = atob(standard);
      text = btoa(plain) === standard ? new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(Uint8Array.from(plain, (one) => one.charCodeAt(0))) : "";
    } catch {
      throw new Broken("not a read receipt");
    }
  }
  const receipt = strictly(text);
  need(isReceipt(receipt), "not a read receipt");
  return receipt;
}

// --- checkpoints and what the caller brought

const headName = (head) => tagged("head", head.bytes);

async function checkpointText(head) {
  const name = base64(await headName(head));
  return `pulsekey/${head.ledger}\n${head.size}\n${base64(head.root)}\nhead ${head.batch} ${name}\nstate ${base64(head.stateRoot)}\n`;
}

/** The text of a C2SP signed note, and the size and root it begins with; every line of the custodian's key must hold. */
async function openCheckpoint(genesis, note) {
  const origin = `pulsekey/${await ledgerOf(genesis)}`;
  const gap = note.lastIndexOf("\n\n");
  need(encoder.encode(note).length <= 65_536 && gap >= 0 && note.endsWith("\n") && note.length > gap + 2, "not a signed note");
  const [text, lines] = [note.slice(0, gap + 1), note.slice(gap + 2, -1).split("\n")];
  need(lines.length <= 16 && !/[\x00-\x09\x0b-\x1f]/.test(note), "not a signed note");
  const id = (await sha256(utf8(`${origin}\n`) + "01" + genesis.raw.checkpoint_key)).slice(0, 8);
  let ours = 0;
  for (const line of lines) {
    const [, name, encoded] = /^\u2014 ([^ ]+) ([A-Za-z0-9+/]+={0,2})$/.exec(line) ?? [];
    need(name, "not a signature line");
    const raw = unbase64(encoded);
    if (name !== origin || raw.slice(0, 8) !== id) continue;
    need(raw.length === 136 && (await custodianSigned(genesis, raw.slice(8), utf8(text))), "the checkpoint's signature does not hold");
    ours += 1;
  }
  need(ours, "the checkpoint is not signed by the log's key");
  const [name, size, root] = text.split("\n");
  need(name === origin && /^(0|[1-9][0-9]{0,19})$/.test(size), "a checkpoint of another log");
  return { text, size: BigInt(size), root: unbase64(root) };
}

function unbase64(encoded) {
  let plain;
  try {
    plain = atob(encoded);
  } catch {
    throw new Broken("not base64");
  }
  need(plain && btoa(plain) === encoded, "not base64");
  return hexOf(Uint8Array.from(plain, (character) => character.charCodeAt(0)));
}

async function compared(genesis, heads, given) {
  if (given.startsWith("pulsekey/")) return comparedCheckpoint(genesis, heads, given);
  const text = unended(given);
  if (!text.startsWith("{")) return comparedHead(heads, text);
  const document = strictly(text);
  need(document !== null, "an anchor that was given cannot be read");
  if (document.format === "pulsekey/genesis/1") {
    need(text === genesis.text, "the evidence is of another ledger than the genesis that was given");
    return "genesis: the ledger is the one that was given";
  }
  const names = Object.keys(document).sort().join();
  if (names === "checkpoint,consistency" && isText(document.checkpoint) && Array.isArray(document.consistency)) {
    return comparedCheckpoint(genesis, heads, document.checkpoint, document.consistency);
  }
  need(names === "head", "an anchor that was given cannot be read");
  return comparedHead(heads, document.head);
}

async function comparedHead(heads, name) {
  need(isDigest(name), "an anchor that was given cannot be read");
  const names = await Promise.all(heads.map(headName));
  need(names.includes(name), "the head that was given is none of the file's");
  return say("head {head}: as it was given", { head: name.slice(0, 12) });
}

async function comparedCheckpoint(genesis, heads, note, path) {
  const known = await openCheckpoint(genesis, note);
  for (const head of heads) {
    if (known.size === head.size) {
      need(known.text === (await checkpointText(head)), "the checkpoint that was given contradicts the file's");
      return say("checkpoint of {count} entries: as it was given", { count: known.size });
    }
  }
  const [head] = heads;
  need(
    path && isPath(path),
    say("the checkpoint that was given has {count} entries, the file's {size}: give it with a consistency proof between the two", { count: known.size, size: head.size }),
  );
  const ends = [[known.size, known.root], [head.size, head.root]].sort((one, other) => (one[0] < other[0] ? -1 : 1));
  await checkConsistency(...ends[0], ...ends[1], path);
  return say("checkpoint of {count} entries: of the same log", { count: known.size });
}

// --- the sentence: docs/evidence.md, section 4

// The words of every version of the catalogue that was released. A version never changes: older consents keep theirs.
const WORDS_1 = {
  en: {
    place: 0,
    sentence:
      "{recipient} (identity confirmed by {confirmer}) may see my {categories}, {period}, for {purpose}, until {until}. I can stop this at any time; what they have already seen stays with them.",
    separator: ", ",
    last: " and ",
    periods: {
      soFarAndUntilThen: "recorded so far and until then",
      sinceAndUntilThen: "recorded since {first} and until then",
      before: "recorded before {last}",
      between: "recorded between {first} and {last}",
      since: "recorded since {first}",
      always: "whenever recorded",
    },
    moment: "{day} {month} {year}, {clock} {place} time",
    months: ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"],
    purposes: {
      TREAT: "my treatment",
      CAREMGT: "managing my care",
      HRESCH: "health research",
      PATRQT: "a purpose I asked for myself",
    },
  },
  "zh-CN": {
    place: 1,
    sentence:
      "{recipient}（身份已由{confirmer}确认）可以查看我的{categories}（{period}），用于{purpose}，有效期至{until}。我可以随时停止；对方已经看到的内容仍由对方保留。",
    separator: "、",
    last: "和",
    periods: {
      soFarAndUntilThen: "迄今为止以及在此期限内记录的",
      sinceAndUntilThen: "自{first}起以及在此期限内记录的",
      before: "{last}之前记录的",
      between: "{first}至{last}之间记录的",
      since: "自{first}起记录的",
      always: "不限记录时间",
    },
    moment: "{year}年{month}{day}日 {clock}（{place}时间）",
    months: ["1月", "2月", "3月", "4月", "5月", "6月", "7月", "8月", "9月", "10月", "11月", "12月"],
    purposes: {
      TREAT: "我的治疗",
      CAREMGT: "我的照护管理",
      HRESCH: "健康研究",
      PATRQT: "我本人提出的用途",
    },
  },
};

const RELEASED = { 1: WORDS_1 };

const fill = (template, values) => template.replace(/\{([a-z]+)\}/g, (_, name) => values[name]);

function checkTerms({ catalogue, categories, purpose, valid, data, offsets }) {
  need(new Set(categories).size === categories.length, "a category named twice");
  need(Object.hasOwn(RELEASED[catalogue].en.purposes, purpose), "unknown purpose");
  need(valid.until > valid.from, "ends before it begins");
  need(data.from === null || data.until === null || data.until > data.from, "the data end before they begin");
  for (const [at, offset] of [[valid.until, offsets.validUntil], [data.from, offsets.dataFrom], [data.until, offsets.dataUntil]]) {
    need((at === null) === (offset === null) && Math.abs(offset) <= OFFSET_SECONDS_MAX, "offsets that no clock has");
  }
}

/** Where this browser's zones differ from the terms. Laws change, so no claim rests on it. */
function clockNote({ zone, valid, data, offsets }) {
  try {
    const same = [[valid.until, offsets.validUntil], [data.from, offsets.dataFrom], [data.until, offsets.dataUntil]].every(
      ([at, offset]) => at === null || offsetIn(zone, at) === offset,
    );
    const hours = `${offsets.validUntil < 0 ? "" : "+"}${(offsets.validUntil / 3_600).toFixed(2)}`;
    return same ? [] : [say("here {zone} has another clock than the terms, UTC{hours} h", { zone, hours })];
  } catch {
    return [say("the time zone {zone} is not known here", { zone })];
  }
}

function offsetIn(zone, at) {
  const format = new Intl.DateTimeFormat("en-US-u-ca-iso8601-nu-latn", {
    timeZone: zone, hourCycle: "h23", year: "numeric", month: "numeric", day: "numeric", hour: "numeric", minute: "numeric", second: "numeric",
  });
  const parts = Object.fromEntries(format.formatToParts(new Date(at * 1000)).map(({ type, value }) => [type, Number(value)]));
  const wall = new Date(0);
  wall.setUTCFullYear(parts.year, parts.month - 1, parts.day);
  wall.setUTCHours(parts.hour, parts.minute, parts.second);
  return wall.getTime() / 1000 - at;
}

function sentenceOf(terms) {
  const released = RELEASED[terms.catalogue];
  need(Object.hasOwn(released, terms.language), "no consent texts in this language");
  const words = released[terms.language];
  const { offsets } = terms;
  const moment = (at, offset) => (at === null ? "" : momentOf(at + offset, terms.zone, words));
  const names = terms.categories.map((name) => CATEGORIES[name][words.place]);
  return fill(words.sentence, {
    recipient: terms.recipient.name,
    confirmer: terms.controller.organisation.name,
    categories: names.length === 1 ? names[0] : names.slice(0, -1).join(words.separator) + words.last + names.at(-1),
    period: fill(words.periods[periodOf(terms)], { first: moment(terms.data.from, offsets.dataFrom), last: moment(terms.data.until, offsets.dataUntil) }),
    purpose: words.purposes[terms.purpose],
    until: moment(terms.valid.until, offsets.validUntil),
  });
}

function periodOf({ data, valid }) {
  const since = data.from !== null;
  if (data.until === null) return since ? "since" : "always";
  if (data.until === valid.until) return since ? "sinceAndUntilThen" : "soFarAndUntilThen";
  return since ? "between" : "before";
}

/** A time in words; `wall` are seconds since 1970 on the patient's clock. */
function momentOf(wall, zone, words) {
  const at = new Date(wall * 1000);
  need(at.getUTCFullYear() >= 1 && at.getUTCFullYear() <= 9_999, "not a time in a calendar");
  const two = (value) => String(value).padStart(2, "0");
  const seconds = at.getUTCSeconds() ? `:${two(at.getUTCSeconds())}` : "";
  return fill(words.moment, {
    day: String(at.getUTCDate()),
    month: words.months[at.getUTCMonth()],
    year: String(at.getUTCFullYear()),
    clock: `${two(at.getUTCHours())}:${two(at.getUTCMinutes())}${seconds}`,
    place: zone.slice(zone.lastIndexOf("/") + 1).replaceAll("_", " "),
  });
}
