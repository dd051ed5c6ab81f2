// What the node says of a failure or a refusal. It speaks the page's language; what it says to operators alone has
// no code and is English.

import { h } from "./dom.js";
import { language, t } from "./messages.js";

const ENDED = /[.!?…。！？]$/;
// A member of a request: it tells a program where to look, not a person.
const MEMBER = /^[\w-]*$/;

/** A text as a sentence: a capital where the script has them, and its mark at the end. */
export function sentence(text) {
  return ended(text.charAt(0).toLocaleUpperCase(language) + text.slice(1));
}

const ended = (text) => (ENDED.test(text) ? text : text + t("sentence.end"));

/** A text that stands in a report: {text, code}. English that no catalogue knows is marked as such. */
export function worded({ text, code }) {
  return code || language === "en" ? text : h("span", { lang: "en" }, text);
}

/** Why something failed, as sentences: the problem with its place, and the cure; empty where a page has no words. */
export function explained({ code, message, where = "", cure = "" }) {
  if (!message || (!code && language !== "en")) return "";
  // A place begins with the name of a file, which stays as it is.
  const problem = MEMBER.test(where) ? sentence(message) : ended(t("problem.place", { where, problem: message }));
  return problem + (cure ? t("sentence.join") + sentence(cure) : "");
}
