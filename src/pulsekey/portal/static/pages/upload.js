// Sending a file, watching it being read, and the report of what became of everything in it.

import { get, upload } from "../api.js";
import { announce, by, h } from "../dom.js";
import { explained } from "../explained.js";
import { valid } from "../form.js";
import { named, t } from "../messages.js";
import { reportOf } from "../report.js";
import { enter, guarded, ready } from "../session.js";
import { momentMicros } from "../words.js";

const POLL_MS = 400;
const POLLS_MAX = 100_000;

await guarded(async () => {
  await enter("patient");
  zones();
  await earlier();
});

by("form").addEventListener("submit", (event) => {
  event.preventDefault();
  if (!valid(by("form"))) return;
  const button = by("form").querySelector("button");
  guarded(() => send(by("file").files[0]), button).then(() => {
    by("progress").hidden = true;
  });
});
ready();

async function send(file) {
  by("report").replaceChildren();
  by("progress").hidden = false;
  const headers = { "X-File-Name": encodeURIComponent(file.name) };
  if (by("zone").value) headers["X-Time-Zone"] = by("zone").value;
  const accepted = await upload("/api/imports", file, headers, (sent, total) => tell("upload.sending", sent, total));
  const { report, problem } = await finished(accepted.import);
  if (problem) by("report").replaceChildren(failed(problem, file.name));
  else by("report").replaceChildren(h("h2", {}, t("report.title")), reportOf(report));
  announce(t(problem ? "report.failed" : "report.ready"));
  by("report").focus();
  await earlier();
}

async function finished(name) {
  for (let polls = 0; polls < POLLS_MAX; polls += 1) {
    const state = await get(`/api/imports/${encodeURIComponent(name)}`);
    if (state.state === "done" || state.state === "failed") return state;
    tell("upload.reading", state.bytes, state.size);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  throw new Error("an import that never ends");
}

function tell(key, done, whole) {
  const percent = whole ? Math.min(100, Math.floor((100 * done) / whole)) : 0;
  const said = t(key, { percent });
  by("progress-bar").value = percent;
  // Screen readers hear each tenth, not each packet.
  if (percent % 10 === 0 || by("progress-text").textContent === "") by("progress-text").textContent = said;
}

function failed(problem, file) {
  return h(
    "div",
    { class: "notice notice-stop", "data-kind": problem.error },
    h("strong", {}, t("report.nothing", { file })),
    h("span", {}, explained(problem) || named("error", problem.error, t("error.Failure"))),
  );
}

async function earlier() {
  const { imports } = await get("/api/imports");
  const items = imports.map((each) =>
    h("details", { class: "import" }, h("summary", {}, `${each.report.name} · ${momentMicros(each.atMicros)}`), reportOf(each.report)),
  );
  by("imports").replaceChildren(...(items.length ? items : [h("p", { class: "soft" }, t("upload.none"))]));
}

function zones() {
  const own = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const all = Intl.supportedValuesOf?.("timeZone") ?? [];
  const names = [...new Set([own, "UTC", ...all])];
  by("zone").replaceChildren(
    h("option", { value: "" }, t("upload.zone.unknown")),
    ...names.map((name) => h("option", { value: name }, name.replaceAll("_", " "))),
  );
}
