// `bench fleet --target URL`: the workloads against a real server, in the time of the wall.
import { ConfigError } from '../../../src/errors.js';
import type { BenchOptions } from '../../bench-options.js';
import { workloadRuns } from '../bench-runs.js';
import { Progress } from '../progress.js';
import { longestRequestTokens } from '../workload.js';
import { workloadBounds } from '../workload-bounds.js';
import { type ServedModel, TargetClient } from './target-client.js';
import { type TargetRow, targetRow } from './target-row.js';
import { runTarget } from './target-run.js';
import { targetTable } from './target-table.js';

/** REQUIRES: options.target. Throws ConfigError where the target cannot be measured. */
export async function targetBench(options: BenchOptions): Promise<TargetRow[]> {
  const { target, vocabulary } = options;
  refuseSimulated(options);
  const client = new TargetClient(target ?? '', options.apiKey);
  try {
    const model = await chosenModel(client, options.model);
    const { runs, skipped } = workloadRuns(options);
    for (const sentence of skipped) process.stderr.write(`bench fleet: ${sentence}\n`);
    const progress = new Progress(runs.length);
    const rows: TargetRow[] = [];
    for (const { workload, load } of runs) {
      const longest = longestRequestTokens(workload);
      if (model.maxTokens !== null && longest > model.maxTokens) {
        throw new ConfigError(
          `bench fleet: ${workload.name} has a request of ${longest} tokens, but ${model.name} of ${client.host} takes ${model.maxTokens}`,
        );
      }
      const before = process.cpuUsage();
      const record = await runTarget({
        ...{ client, workload, model: model.name, vocabulary },
        onProgress: (share) => progress.at(workload.name, share),
      });
      const { user, system } = process.cpuUsage(before);
      progress.finished(workload.name, (user + system) / 1e6, workload.requests.length);
      const about = [
        workload.about,
        `${workload.requests.length} requests to ${model.name} at ${client.host}`,
        `seed ${options.seed}, wall-clock time from when a request was due`,
      ];
      const label = {
        ...{ workload: workload.name, load, target: client.host, model: model.name },
        about: about.join('; '),
      };
      const row = targetRow(label, workload, workloadBounds(workload, 1).idealHit, record);
      rows.push(row);
      progress.clear();
      if (!options.json) process.stdout.write(targetTable(row));
    }
    return rows;
  } finally {
    client.close();
  }
}

/** Flags that mean nothing without simulated engines, and so must not seem to. */
function refuseSimulated(options: BenchOptions): void {
  const given = Object.entries({
    '--policy': options.policy,
    '--arm': options.arm === 'none' ? null : options.arm,
    '--engines': options.engines,
    '--kv-tokens': options.kvTokens,
    '--timing': options.timing,
    '--generated-blocks': options.generatedBlocks,
    '--report': options.report,
    '--from': options.from,
  }).filter(([, value]) => value !== null);
  const [first] = given;
  if (first === undefined) return;
  throw new ConfigError(
    `bench fleet: ${first[0]} is about simulated engines and does not go together with --target`,
  );
}

async function chosenModel(client: TargetClient, asked: string | null): Promise<ServedModel> {
  const models = await client.models();
  const model = asked === null ? models[0] : models.find(({ name }) => name === asked);
  if (model !== undefined) return model;
  const names = models.map(({ name }) => name);
  throw new ConfigError(
    `bench fleet: --model ${asked} is none of ${client.host}: ${names.join(', ')}`,
  );
}
