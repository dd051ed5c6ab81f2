// A patient's passkeys: adding one is confirmed with one that is there already, and so is removing.

import { get, post } from "../api.js";
import { by, h, reveal } from "../dom.js";
import { keyCard } from "../keys.js";
import { t } from "../messages.js";
import { publicPoint, register } from "../passkey.js";
import { enter, guarded, ready } from "../session.js";
import { checkedOffer, review, wantedBy } from "../signing.js";
import { moment } from "../words.js";

let me;
await guarded(async () => {
  me = await enter("patient", { signing: true });
  show(me.account.keys);
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

function show(keys) {
  by("list").replaceChildren(h("ul", { class: "stack plain-list" }, keys.map((key, index) => keyCard(key, index, { changed: show, remove: removing(key, keys.length) }))));
  by("only").hidden = keys.length > 1;
}

function removing(key, count) {
  // A key cannot remove itself, so the one that is in use stays.
  if (key.current || count < 2) return null;
  const remove = h("button", { type: "button" }, t("passkeys.remove"));
  remove.addEventListener("click", () =>
    guarded(async () => {
      const wanted = wantedBy(me, "remove_key", { removed: key.keyId });
      const { offer } = await checkedOffer("/api/offers/key-removal", { keyId: key.keyId }, wanted);
      ask(offer, t("sign.remove-key", { when: moment(key.created) }), t("passkeys.remove.confirm"), t("passkeys.keep"));
    }, remove),
  );
  return remove;
}

function ask(offer, sentence, allow, refuse) {
  const end = () => {
    by("review").hidden = true;
    by("review").replaceChildren();
  };
  const done = async () => {
    end();
    me = await get("/api/me");
    show(me.account.keys);
  };
  review(by("review"), { offer, sentence, allow, refuse, done, refused: end });
  reveal(by("review"));
}
