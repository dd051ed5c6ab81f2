// One passkey as a card, whoever it belongs to: what it is called, when it was made and used, where it may be.

import { post } from "./api.js";
import { h } from "./dom.js";
import { valid } from "./form.js";
import { t } from "./messages.js";
import { guarded } from "./session.js";
import { moment } from "./words.js";

/** What a passkey is called: its name, or its number where it has none. */
export const keyName = (key, index) => key.name || t("passkeys.number", { number: index + 1 });

/** The card of a passkey. `changed(keys)` follows a new name; `remove` is a button or null. */
export function keyCard(key, index, { changed, remove }) {
  const used = key.lastUsed !== null ? t("passkeys.used", { when: moment(key.lastUsed) }) : key.current ? "" : t("passkeys.never");
  return h(
    "li",
    { class: "card", "data-key": key.keyId },
    h("h2", {}, keyName(key, index)),
    h("p", { class: "small soft" }, t("passkeys.created", { when: moment(key.created) })),
    used ? h("p", { class: "small soft" }, used) : null,
    h("p", { class: "row" }, h("span", { class: key.current ? "tag tag-good" : "tag" }, t(key.current ? "passkeys.current" : "passkeys.other")), h("span", { class: "small" }, t(key.synced ? "passkeys.synced" : "passkeys.bound"))),
    naming(key, changed),
    remove,
  );
}

function naming(key, changed) {
  const id = `name-${key.keyId}`;
  const hint = h("span", { class: "hint", id: `${id}-hint` }, t("passkeys.name.hint"));
  const input = h("input", { id, value: key.name, maxlength: "60", autocomplete: "off", "aria-describedby": `${id}-hint` });
  const form = h("form", { method: "dialog", novalidate: true, class: "inner" }, h("div", { class: "field" }, h("label", { for: id }, t("passkeys.name")), input, hint), h("button", {}, t("passkeys.name.save")));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (!valid(form)) return;
    guarded(async () => {
      const { keys } = await post(`/api/passkeys/${key.keyId}/name`, { name: input.value.trim() });
      changed(keys);
    }, form.querySelector("button"));
  });
  return h("details", { "data-form": "name" }, h("summary", {}, t(key.name ? "passkeys.rename" : "passkeys.name.give")), form);
}
