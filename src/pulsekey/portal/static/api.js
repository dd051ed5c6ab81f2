// Calls to the node. A session that has ended leads to sign-in, and from there back.

// The node answers in the language of the page.
const LANGUAGE = document.documentElement.lang;
const BACK = "pulsekey.back";

/** A failure that the node explains: `kind` is its class, as docs/api.md lists them. */
export class ApiError extends Error {
  constructor(kind, { message = "", code = "", where = "", cure = "" } = {}) {
    super(message);
    this.name = "ApiError";
    Object.assign(this, { kind, code, where, cure });
  }
}

/** Whether a failure means that there is nothing here for whoever asks: never was, or not any more. */
export const isClosed = (error) => error instanceof ApiError && ["NotFound", "AccessDenied"].includes(error.kind);

export const get = (path) => call(path, { method: "GET" });

/** `open: true` where a 401 means a gesture that did not hold, not a session that ended. */
export function post(path, body = {}, { open = false } = {}) {
  const headers = { "Content-Type": "application/json" };
  return call(path, { method: "POST", headers, body: JSON.stringify(body) }, open);
}

/** Send a file as it is, telling `progress` the bytes sent; resolves to the answer. */
export function upload(path, file, headers, progress) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", path);
    request.setRequestHeader("Content-Type", "application/octet-stream");
    request.setRequestHeader("Accept-Language", LANGUAGE);
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
    request.upload.addEventListener("progress", (event) => progress(event.loaded, event.total));
    request.addEventListener("error", () => reject(new ApiError("Unreachable")));
    request.addEventListener("load", () => {
      try {
        resolve(answered(request.status, parsed(request.responseText), false));
      } catch (error) {
        reject(error);
      }
    });
    request.send(file);
  });
}

/** Go to sign-in, remembering where to come back to; the path holds opaque ids only. */
export function toSignIn(reason) {
  sessionStorage.setItem(BACK, JSON.stringify({ path: location.pathname, reason }));
  location.assign("/sign-in");
}

/** What `toSignIn` left, once. */
export function takeBack() {
  const kept = sessionStorage.getItem(BACK);
  sessionStorage.removeItem(BACK);
  return kept ? JSON.parse(kept) : null;
}

async function call(path, request, open = false) {
  let response;
  try {
    const headers = { ...request.headers, "Accept-Language": LANGUAGE };
    response = await fetch(path, { ...request, headers, credentials: "same-origin", cache: "no-store" });
  } catch {
    throw new ApiError("Unreachable");
  }
  return answered(response.status, parsed(await response.text()), open);
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return {};
  }
}

function answered(status, document, open) {
  if (status < 400) return document;
  if (status === 401 && !open) toSignIn("expired");
  throw new ApiError(document.error ?? "Failure", document);
}
