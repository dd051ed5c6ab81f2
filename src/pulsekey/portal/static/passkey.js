// The two passkey ceremonies in a browser, over the JSON forms of WebAuthn Level 3, section 5.1.
//
// What comes in is PublicKeyCredentialCreationOptionsJSON or PublicKeyCredentialRequestOptionsJSON, what
// goes out RegistrationResponseJSON or AuthenticationResponseJSON. Older browsers lack the conversions,
// so they are done by hand: one path for all, which the tests then cover. A failure is a PasskeyError
// whose `code` names a message of the catalogue; `message` is English and holds nothing personal.
// No request ever asks for an extension: a gesture that signs in or consents releases no key.

/** What can go wrong, by code. Catalogues translate these; keep the codes. */
export const MESSAGES = Object.freeze({
  unsupported: "This browser cannot use passkeys. Update it, or use another one.",
  insecure: "Passkeys work only over a secure connection (https, or localhost).",
  cancelled:
    "Nothing was confirmed: it was cancelled, took too long, or this device holds no passkey for " +
    "this account. You can try again, here or on the device you registered with.",
  aborted: "The request was replaced by a newer one.",
  registered: "This device already has a passkey for this account. Use another device.",
  verification:
    "This device cannot check that it is you. Set up a screen lock (fingerprint, face or PIN) " +
    "or use another device.",
  address: "This page's address does not belong to this service. Do not go on.",
  device: "This device cannot make the kind of passkey that is needed here. Use another device.",
  failed: "The device reported an error. Try again, or use another device.",
  malformed: "The server sent a request that this page cannot read. Reload the page.",
});

export class PasskeyError extends Error {
  /** @param {keyof typeof MESSAGES} code */
  constructor(code, cause) {
    super(MESSAGES[code], { cause });
    this.name = "PasskeyError";
    this.code = code;
  }
}

/** Bytes to base64url without padding. */
export function toBase64url(buffer) {
  const bytes = new Uint8Array(buffer);
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return btoa(text).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}

/** The one base64url form to bytes; anything else throws. */
export function fromBase64url(text) {
  if (typeof text !== "string" || !/^[A-Za-z0-9_-]*$/.test(text) || text.length % 4 === 1) {
    throw new PasskeyError("malformed");
  }
  const plain = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  const bytes = Uint8Array.from(plain, (character) => character.charCodeAt(0));
  if (toBase64url(bytes) !== text) throw new PasskeyError("malformed");
  return bytes;
}

/** Whether this page can use passkeys at all, and on this very device. */
export async function support() {
  const works = isSecureContext && typeof PublicKeyCredential === "function";
  let here = false;
  if (works) {
    here = await PublicKeyCredential.isUserVerifyingPlatformAuthenticatorAvailable().catch(() => false);
  }
  return { works, here };
}

/** Make a passkey. Resolves to RegistrationResponseJSON. */
export async function register(options) {
  requireSupport();
  const publicKey = readOptions(() => ({
    ...options,
    challenge: fromBase64url(options.challenge),
    user: { ...options.user, id: fromBase64url(options.user.id) },
    excludeCredentials: descriptors(options.excludeCredentials),
    extensions: undefined,
  }));
  const credential = await perform((signal) => navigator.credentials.create({ publicKey, signal }));
  const { response } = credential;
  const spki = response.getPublicKey?.();
  if (spki) made.set(credential.id, new Uint8Array(spki));
  return {
    ...head(credential),
    response: {
      clientDataJSON: toBase64url(response.clientDataJSON),
      attestationObject: toBase64url(response.attestationObject),
      transports: response.getTransports?.() ?? [],
    },
  };
}

/** The point x || y of a passkey that was just made, which its page then expects to see registered. */
export function publicPoint(credential) {
  const key = made.get(credential.id);
  return key?.slice(-POINT_BYTES) ?? null;
}

/** Sign a challenge: to sign in, or an operation. Resolves to AuthenticationResponseJSON. */
export async function authenticate(options) {
  requireSupport();
  const publicKey = readOptions(() => ({
    ...options,
    challenge: fromBase64url(options.challenge),
    allowCredentials: descriptors(options.allowCredentials),
    extensions: undefined,
  }));
  const credential = await perform((signal) => navigator.credentials.get({ publicKey, signal }));
  const { response } = credential;
  const answer = {
    clientDataJSON: toBase64url(response.clientDataJSON),
    authenticatorData: toBase64url(response.authenticatorData),
    signature: toBase64url(response.signature),
  };
  if (response.userHandle?.byteLength) answer.userHandle = toBase64url(response.userHandle);
  return { ...head(credential), response: answer };
}

/** Give up a ceremony that is waiting, for instance when its page is left. */
export function cancel() {
  waiting?.abort();
  waiting = undefined;
}

let waiting;

// SubjectPublicKeyInfo of a P-256 key (RFC 5480) ends with the uncompressed point.
const POINT_BYTES = 64;
const made = new Map();

async function perform(ceremony) {
  cancel(); // A browser runs one ceremony at a time; the newest is the one that is meant.
  const controller = new AbortController();
  waiting = controller;
  try {
    const credential = await ceremony(controller.signal);
    if (!credential) throw new PasskeyError("cancelled");
    return credential;
  } catch (error) {
    throw explained(error);
  } finally {
    if (waiting === controller) waiting = undefined;
  }
}

// Browsers answer NotAllowedError for cancelling, for waiting too long and for a wrong device alike, lest a
// page learn which passkeys somebody has. The message has to name all three.
const CODES = {
  NotAllowedError: "cancelled",
  AbortError: "aborted",
  InvalidStateError: "registered",
  ConstraintError: "verification",
  SecurityError: "address",
  NotSupportedError: "device",
  TypeError: "malformed",
};

function explained(error) {
  if (error instanceof PasskeyError) return error;
  return new PasskeyError(CODES[error?.name] ?? "failed", error);
}

function requireSupport() {
  if (!isSecureContext) throw new PasskeyError("insecure");
  if (typeof PublicKeyCredential !== "function") throw new PasskeyError("unsupported");
}

function readOptions(read) {
  try {
    return read();
  } catch (error) {
    throw explained(error);
  }
}

function descriptors(list) {
  return (list ?? []).map((each) => ({ ...each, id: fromBase64url(each.id) }));
}

function head(credential) {
  return {
    id: credential.id,
    rawId: toBase64url(credential.rawId),
    type: credential.type,
    authenticatorAttachment: credential.authenticatorAttachment ?? undefined,
    clientExtensionResults: {},
  };
}
