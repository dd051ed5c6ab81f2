// The words of the page's language. Every text that a module shows comes from here, by key.

const language = document.documentElement.lang;
const catalogue = await (await fetch(`/messages/${language}.json`)).json();
const plural = new Intl.PluralRules(language);
const PLACE = /\{(\w+)\}/g;

export { language };

/** The text of `key` with values put in; a plural is chosen by `values.count`. */
export function t(key, values = {}) {
  let text = catalogue[key];
  if (typeof text === "object") text = text[plural.select(values.count)] ?? text.other;
  if (text === undefined) throw new Error(`no message ${key}`);
  return text.replace(PLACE, (_, name) => shown(values[name]));
}

/** The text of a member of a closed family such as `category`, or `otherwise` if it is not one. */
export function named(family, name, otherwise = name) {
  const key = `${family}.${name}`;
  return key in catalogue ? t(key) : otherwise;
}

function shown(value) {
  return typeof value === "number" ? value.toLocaleString(language) : String(value);
}
