// Elements from data, never from markup: whatever a name or a file holds stays text.

/** Make an element: attributes, `on` for listeners, then children (nodes or text; null is left out). */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name === "on") for (const [event, listener] of Object.entries(value)) element.addEventListener(event, listener);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return element;
}

const SVG = "http://www.w3.org/2000/svg";

/** The same for SVG. */
export function svg(tag, attributes = {}, ...children) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children.flat());
  return element;
}

export const by = (id) => document.getElementById(id);

/** Show a hidden part and move focus to its heading, so that a screen reader follows. */
export function reveal(element) {
  element.hidden = false;
  const target = element.querySelector("[tabindex]") ?? element;
  target.focus({ preventScroll: true });
  element.scrollIntoView({ block: "start" });
}

/** Say something to screen readers without moving focus. */
export function announce(text) {
  by("announce").textContent = text;
}

/**
 * A table with a caption. Cells are text or nodes; columns named in `numeric` align to the end. Where a phone shows
 * its rows as blocks (see pages.css) each cell knows its head, and the roles keep it a table for screen readers.
 */
export function table(caption, heads, rows, numeric = []) {
  const kind = (index) => (numeric.includes(index) ? "number" : null);
  const head = (each, index) => h("th", { class: kind(index), scope: "col", role: "columnheader" }, each);
  const cell = (each, index) =>
    h("td", { class: kind(index), role: "cell", "data-head": heads[index], "data-none": each === "" || each === "0" }, each);
  return h(
    "div",
    { class: "table-scroll", tabindex: "0", role: "region", "aria-label": caption },
    h(
      "table",
      { role: "table" },
      h("caption", {}, caption),
      h("thead", { role: "rowgroup" }, h("tr", { role: "row" }, heads.map(head))),
      h("tbody", { role: "rowgroup" }, rows.map((row) => h("tr", { role: "row" }, row.map(cell)))),
    ),
  );
}
