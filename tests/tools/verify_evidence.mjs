// Judges evidence with the browser's verifier: cases on standard input as a JSON array, verdicts on standard output.
// A case: {content, receipts, anchors}, each in base64. Started by tests/fakes/evidence_verifiers.py.

import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const { verifyEvidence } = await import(pathToFileURL(process.argv[2]).href);
const bytes = (text) => new Uint8Array(Buffer.from(text, "base64"));
const verdicts = [];
for (const { content, receipts, anchors } of JSON.parse(readFileSync(0, "utf8"))) {
  verdicts.push(await verifyEvidence(bytes(content), { receipts: receipts.map(bytes), anchors: anchors.map(bytes) }));
}
process.stdout.write(JSON.stringify(verdicts));
