// `npm run soak -- --minutes 10 --streams 200`: runs a soak, prints what came of it, exits 1 on a fault.
import { parseArgs } from 'node:util';
import { runSoak } from './soak-run.js';
import { faultsOf } from './soak-verdict.js';

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '10' },
    streams: { type: 'string', default: '200' },
    engines: { type: 'string', default: '4' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
  },
});
const numbers = Object.fromEntries(
  Object.entries(values).map(([name, text]) => {
    const value = Number(text);
    if (!(value > 0)) throw new Error(`--${name} must be a number above 0, not ${text}`);
    return [name, value];
  }),
);
const { minutes = 10, streams = 200, engines = 4, seed = 1 } = numbers;
const start = performance.now();
const say = (line: string) => {
  const seconds = String(Math.round((performance.now() - start) / 1000)).padStart(4);
  process.stdout.write(`${seconds} s  ${line}\n`);
};
say(`seed ${seed}`);
const report = await runSoak({ minutes, streams, engines, seed, fills: true, say });
const { counts, kills, before, after } = report;
say(JSON.stringify({ minutes, streams, engines, counts, kills, before, after }));
const faults = faultsOf(report);
for (const fault of faults) say(`FAULT ${fault}`);
if (faults.length === 0) say('no fault');
process.exitCode = faults.length === 0 ? 0 : 1;
