// SimEngine: one simulated vLLM server in wall-clock time: HTTP, engines, KV cache events.
import type { HashSettings } from '../prefix/hash-settings.js';
import { AnswerText } from './answer-text.js';
import type { EngineTotals } from './engine.js';
import { EngineRank } from './engine-rank.js';
import type { EventFaults } from './event-faults.js';
import { freePort } from './free-port.js';
import { metricsPage } from './metrics-page.js';
import { OpenAiServer } from './openai-server.js';
import { ServedModels } from './served-models.js';
import { noServerFaults, type ServerFaults } from './server-faults.js';
import { engineOptionsOf, hashSettingsOf, SIM_DEFAULTS, type SimOptions } from './sim-options.js';
import { type ClockLag, WallClock } from './wall-clock.js';

/** What /version answers: the release whose behaviour is simulated. */
const VERSION = '0.29.0';
const MAX_PORT_ATTEMPTS = 5;

export interface SimStats extends EngineTotals {
  readonly runningRequests: number;
  readonly waitingRequests: number;
  /** Share of blocks in use, 0 to 1. */
  readonly cacheUsage: number;
  /** Lateness of step ends and arrivals in real time. */
  readonly lag: ClockLag;
}

export class SimEngine {
  readonly options: SimOptions;
  readonly hashSettings: HashSettings;
  readonly faults: ServerFaults = noServerFaults();
  readonly models: ServedModels;
  /** One unless `dataParallelSize` asks for more. */
  readonly ranks: readonly [EngineRank, ...EngineRank[]];
  private readonly clock: WallClock;
  private readonly server: OpenAiServer;
  private port: number;
  private startedAt = Date.now() / 1000;

  constructor(
    options: SimOptions,
    answerText: AnswerText,
    clock: WallClock,
    ranks: readonly [EngineRank, ...EngineRank[]],
  ) {
    this.options = options;
    this.port = options.port;
    this.clock = clock;
    this.ranks = ranks;
    this.hashSettings = hashSettingsOf(options);
    const { usableBlocks, blockSizeTokens } = engineOptionsOf(options);
    // vLLM refuses a model length that its KV cache cannot hold.
    const modelLength = Math.min(options.maxModelLen, usableBlocks * blockSizeTokens);
    this.models = new ServedModels(options.model, modelLength, options.loraAdapters);
    const { models, hashSettings, faults } = this;
    this.server = new OpenAiServer({
      ...options,
      ...{ clock, ranks, models, hashSettings, faults, answerText },
      version: VERSION,
      metricsText: () => {
        const { startedAt } = this;
        return metricsPage({ options, models, ranks, startedAt, lag: this.clock.lag() });
      },
    });
  }

  /** Where clients on this machine reach it. */
  get url(): string {
    const { host } = this.options;
    if (host === '0.0.0.0') return `http://127.0.0.1:${this.port}`;
    return host.includes(':') ? `http://[${host}]:${this.port}` : `http://${host}:${this.port}`;
  }

  /** The first rank's, like all that follow. */
  get kvEvents(): string | null {
    return this.ranks[0].kvEvents;
  }

  get kvReplay(): string | null {
    return this.ranks[0].kvReplay;
  }

  get eventFaults(): EventFaults | null {
    return this.ranks[0].eventFaults;
  }

  get stats(): SimStats {
    const { runningRequests, waitingRequests, cacheUsage, totals } = this.ranks[0].engine;
    return { ...totals, runningRequests, waitingRequests, cacheUsage, lag: this.clock.lag() };
  }

  blockHashes(): Set<bigint> {
    return this.ranks[0].blockHashes();
  }

  sendEventFrames(frames: readonly Buffer[]): void {
    this.ranks[0].sendEventFrames(frames);
  }

  /** Every rank, as a process that dies and is back at once. */
  restart(): void {
    this.startedAt = Date.now() / 1000;
    for (const rank of this.ranks) rank.restart();
  }

  /** Also accepts connections again after `refuseConnections`, on the same port. */
  async listen(): Promise<void> {
    const { host } = this.options;
    for (let attempt = 1; this.port === 0; attempt += 1) {
      const port = await freePort(host);
      try {
        this.port = await this.server.listen(host, port);
        return;
      } catch (error) {
        // Somebody else may have taken the port since it was free.
        if (attempt === MAX_PORT_ATTEMPTS) throw error;
      }
    }
    await this.server.listen(host, this.port);
  }

  /** Connections break and new ones are refused, until `listen`. */
  refuseConnections(): void {
    this.server.close();
  }

  /** A process that is asked to stop: requests in flight end, at most `graceMs`; until `listen` it
   * refuses connections, and what it had in its cache is gone. */
  async stop(graceMs: number): Promise<void> {
    await this.server.drain(graceMs);
    this.restart();
  }

  close(): void {
    this.server.close();
    this.clock.close();
    for (const rank of this.ranks) rank.close();
  }
}

/** Rejects with ConfigError when options do not go together or an address is taken. */
export async function startSimEngine(
  choices: Partial<SimOptions> & Pick<SimOptions, 'encoder'>,
): Promise<SimEngine> {
  const options: SimOptions = { ...SIM_DEFAULTS, ...choices };
  const answerText = await AnswerText.from(options.encoder);
  const clock = new WallClock(options.speedup);
  const { dataParallelRank: firstRank, dataParallelSize } = options;
  const first = await EngineRank.start(options, clock, firstRank);
  const ranks: [EngineRank, ...EngineRank[]] = [first];
  try {
    for (let rank = firstRank + 1; rank < firstRank + dataParallelSize; rank += 1) {
      ranks.push(await EngineRank.start(options, clock, rank));
    }
    const sim = new SimEngine(options, answerText, clock, ranks);
    await sim.listen();
    return sim;
  } catch (error) {
    for (const rank of ranks) rank.close();
    throw error;
  }
}
