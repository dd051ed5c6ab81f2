// What a form says about a field that was left out, next to the field and in words.

import { h } from "./dom.js";
import { t } from "./messages.js";

/** Mark required fields that are empty; focus the first. Returns whether all are filled. */
export function valid(form) {
  let first = null;
  for (const input of form.querySelectorAll("input, select, textarea")) {
    const wrong = !input.validity.valid || (input.required && input.value.trim() === "");
    mark(input, wrong ? t(input.value ? "form.unfit" : "form.needed") : "");
    if (wrong) first ??= input;
  }
  first?.focus();
  return first === null;
}

/** Say at a field what is wrong with it, or take that back with an empty text. */
export function mark(input, text) {
  const id = `${input.id || input.name}-error`;
  document.getElementById(id)?.remove();
  if (!text) {
    input.removeAttribute("aria-invalid");
    input.removeAttribute("aria-errormessage");
    return;
  }
  input.setAttribute("aria-invalid", "true");
  input.setAttribute("aria-errormessage", id);
  input.after(h("span", { id, class: "error-text" }, text));
}

/** Say at a fieldset that one of its choices is needed, or take it back. */
export function needChoice(fieldset, missing) {
  fieldset.querySelector(":scope > .error-text")?.remove();
  if (missing) fieldset.append(h("p", { class: "error-text", role: "alert" }, t("form.choose")));
  return !missing;
}
