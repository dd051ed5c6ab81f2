// A patient's passkeys: adding one is confirmed with one that is there already, and so is removing.

import { get, post } from "../api.js";
import { by, h, reveal } from "../dom.js";
import { t } from "../messages.js";
import { publicPoint, register } from "../passkey.js";
import { enter, guarded, ready } from "../session.js";
import { checkedOffer, review, wantedBy } from "../signing.js";
import { moment } from "../words.js";

let me;
await guarded(async () => {
  me = await enter("patient");
  show();
});

by("add").addEventListener("click", () =>
  guarded(async () => {
    const { options } = await post("/api/offers/key/options");
    const credential = await register(options);
    const wanted = wantedBy(me, "add_key", { publicKey: publicPoint(credential) });
    const { offer } = await checkedOffer("/api/offers/key", { credential }, wanted);
    ask(offer, t("sign.add-key"), t("passkeys.add.confirm"), t("passkeys.add.refuse"));
  }, by("add")),
);
ready();

function show() {
  const keys = me.account.keys;
  by("list").replaceChildren(h("ul", { class: "stack plain-list" }, keys.map((key, index) => item(key, index, keys.length))));
}

function item(key, index, count) {
  const remove = h("button", { type: "button" }, t("passkeys.remove"));
  remove.addEventListener("click", () =>
    guarded(async () => {
      const wanted = wantedBy(me, "remove_key", { removed: key.keyId });
      const { offer } = await checkedOffer("/api/offers/key-removal", { keyId: key.keyId }, wanted);
      ask(offer, t("sign.remove-key", { when: moment(key.created) }), t("passkeys.remove.confirm"), t("passkeys.keep"));
    }, remove),
  );
  return h(
    "li",
    { class: "card", "data-key": key.keyId },
    h("h2", {}, t("passkeys.number", { number: index + 1 })),
    h("p", { class: "small soft" }, t("passkeys.created", { when: moment(key.created) })),
    h("p", { class: "row" }, h("span", { class: key.current ? "tag tag-good" : "tag" }, t(key.current ? "passkeys.current" : "passkeys.other")), h("span", { class: "small" }, t(key.synced ? "passkeys.synced" : "passkeys.bound"))),
    // A key cannot remove itself, so the one that is in use stays.
    key.current || count < 2 ? null : remove,
  );
}

function ask(offer, sentence, allow, refuse) {
  const end = () => {
    by("review").hidden = true;
    by("review").replaceChildren();
  };
  const done = async () => {
    end();
    me = await get("/api/me");
    show();
  };
  review(by("review"), { offer, sentence, allow, refuse, done, refused: end });
  reveal(by("review"));
}
