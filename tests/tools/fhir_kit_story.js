// What a program that uses fhir-kit-client does with a node. Arguments: base URL, token, patient.
// Prints one JSON object; what it could not do is a thrown error and an exit status.
'use strict';

const path = require('path');

const tools = path.join(__dirname, '..', '..', '.tools', 'node_modules');
const Client = require(path.join(tools, 'fhir-kit-client'));

async function refused(act) {
  try {
    await act();
    return 'not refused';
  } catch (error) {
    return {
      status: error.response.status,
      type: error.response.data.resourceType,
      code: error.response.data.issue[0].code,
    };
  }
}

function matches(bundle) {
  return bundle.entry.filter((one) => one.search.mode === 'match').map((one) => one.resource);
}

async function main([baseUrl, token, patient]) {
  const client = new Client({ baseUrl });
  const capability = await client.capabilityStatement();
  client.bearerToken = token;

  const ids = [];
  let pages = 0;
  let bundle = await client.resourceSearch({
    resourceType: 'Observation',
    searchParams: { patient, code: 'http://loinc.org|99504-3', _count: 300 },
  });
  while (bundle) {
    pages += 1;
    ids.push(...matches(bundle).map((one) => one.id));
    bundle = await client.nextPage({ bundle });
  }
  const posted = await client.resourceSearch({
    resourceType: 'Condition',
    searchParams: { patient },
    options: { postSearch: true },
  });
  const observation = await client.read({ resourceType: 'Observation', id: ids[0] });
  const person = await client.read({ resourceType: 'Patient', id: patient });
  const resolved = await client.resolve({ reference: observation.subject.reference });

  const nobody = new Client({ baseUrl });
  console.log(JSON.stringify({
    version: capability.fhirVersion,
    ids,
    pages,
    conditions: matches(posted).map((one) => one.id),
    observation: observation.id,
    person: person.id,
    resolved: resolved.id,
    missing: await refused(() => client.read({ resourceType: 'Condition', id: 'none' })),
    typo: await refused(() => client.resourceSearch({
      resourceType: 'Observation', searchParams: { patient, cod: 'x' },
    })),
    nobody: await refused(() => nobody.read({ resourceType: 'Patient', id: patient })),
  }));
}

main(process.argv.slice(2)).catch((error) => {
  console.error(error);
  process.exit(1);
});
