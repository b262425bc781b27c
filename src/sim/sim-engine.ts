// SimEngine: one simulated vLLM server in wall-clock time: HTTP, engine, KV cache events.
import type { HashSettings } from '../prefix/hash-settings.js';
import { AnswerText } from './answer-text.js';
import { type ClockLag, WallClock } from './clock.js';
import { Engine, type EngineTotals } from './engine.js';
import { EngineCounters } from './engine-counters.js';
import type { EventSchema } from './event-encoder.js';
import type { EventFaults } from './event-faults.js';
import { EventFeed } from './event-feed.js';
import { EventPublisher } from './event-publisher.js';
import { freePort } from './free-port.js';
import { metricsPage } from './metrics-page.js';
import { OpenAiServer } from './openai-server.js';
import { ServedModels } from './served-models.js';
import { noServerFaults, type ServerFaults } from './server-faults.js';
import { engineOptionsOf, hashSettingsOf, SIM_DEFAULTS, type SimOptions } from './sim-options.js';
import type { TokenSequence } from './token-sequence.js';

/** What /version answers: the release whose behaviour is simulated. */
const VERSION = '0.29.0';
const MAX_PORT_ATTEMPTS = 5;

export interface SimStats extends EngineTotals {
  readonly runningRequests: number;
  readonly waitingRequests: number;
  readonly cacheUsage: number;
  /** Lateness of step ends and arrivals in real time. */
  readonly lag: ClockLag;
}

export class SimEngine {
  readonly options: SimOptions;
  readonly hashSettings: HashSettings;
  readonly faults: ServerFaults = noServerFaults();
  readonly models: ServedModels;
  private readonly feed: EventFeed | null;
  private readonly clock: WallClock;
  private readonly engine: Engine<TokenSequence>;
  private readonly server: OpenAiServer;
  private port: number;

  constructor(options: SimOptions, answerText: AnswerText, feed: EventFeed | null) {
    this.options = options;
    this.port = options.port;
    this.feed = feed;
    this.hashSettings = hashSettingsOf(options);
    this.clock = new WallClock(options.speedup);
    const engineOptions = engineOptionsOf(options);
    const { usableBlocks, blockSizeTokens } = engineOptions;
    this.engine = new Engine(
      engineOptions,
      this.clock,
      feed === null ? null : (events) => feed.push(events),
    );
    // vLLM refuses a model length that its KV cache cannot hold.
    const modelLength = Math.min(options.maxModelLen, usableBlocks * blockSizeTokens);
    this.models = new ServedModels(options.model, modelLength, options.loraAdapters);
    const counters = new EngineCounters();
    const { engine, models, hashSettings, faults } = this;
    const { encoder, devRoutes, apiKey, reportsCachedTokens, sendsRequestId } = options;
    this.server = new OpenAiServer({
      ...{ engine, models, hashSettings, faults, answerText, counters, encoder },
      ...{ devRoutes, apiKey, reportsCachedTokens, sendsRequestId },
      version: VERSION,
      metricsText: () => this.metricsText(counters),
    });
  }

  /** Where clients on this machine reach it. */
  get url(): string {
    const { host } = this.options;
    if (host === '0.0.0.0') return `http://127.0.0.1:${this.port}`;
    return host.includes(':') ? `http://[${host}]:${this.port}` : `http://${host}:${this.port}`;
  }

  /** Where subscribers find the events; null without events. */
  get kvEvents(): string | null {
    return this.feed?.publisher.address ?? null;
  }

  get kvReplay(): string | null {
    return this.feed?.publisher.replayAddress ?? null;
  }

  get eventFaults(): EventFaults | null {
    return this.feed?.publisher.faults ?? null;
  }

  get stats(): SimStats {
    const { runningRequests, waitingRequests, cacheUsage, totals } = this.engine;
    return { ...totals, runningRequests, waitingRequests, cacheUsage, lag: this.clock.lag() };
  }

  /** What the cache holds now, as the integers that events carry. */
  blockHashes(): Set<bigint> {
    return this.engine.blockHashes();
  }

  /** Sends frames on the event socket as they are. */
  sendEventFrames(frames: readonly Buffer[]): void {
    this.feed?.publisher.sendRaw(frames);
  }

  /** As a process that dies and is back at once: requests break, the pool is empty, event numbers
   * begin at 0 again. */
  restart(): void {
    this.feed?.restart();
    this.engine.restart();
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

  close(): void {
    this.server.close();
    this.clock.close();
    this.feed?.publisher.close();
  }

  private metricsText(counters: EngineCounters): string {
    const { model, dataParallelRank, hashAlgorithm, metricNames } = this.options;
    const adapters = this.models.adapterNames;
    return metricsPage({
      engine: this.engine,
      counters,
      modelName: model,
      rank: dataParallelRank,
      hashAlgorithm,
      names: metricNames,
      lora: { running: adapters, max: adapters.length },
      lagP99Seconds: this.clock.lag().p99Ms / 1000,
    });
  }
}

/** Rejects with ConfigError when options do not go together or an address is taken. */
export async function startSimEngine(
  choices: Partial<SimOptions> & Pick<SimOptions, 'encoder'>,
): Promise<SimEngine> {
  const options: SimOptions = { ...SIM_DEFAULTS, ...choices };
  const answerText = await AnswerText.from(options.encoder);
  const feed = await startFeed(options);
  try {
    const sim = new SimEngine(options, answerText, feed);
    await sim.listen();
    return sim;
  } catch (error) {
    feed?.publisher.close();
    throw error;
  }
}

async function startFeed(options: SimOptions): Promise<EventFeed | null> {
  const { kvEvents, kvReplay, eventSchema, ...others } = options;
  if (kvEvents === null) return null;
  const publisher = await EventPublisher.start({
    ...others,
    endpoint: kvEvents,
    replayEndpoint: kvReplay,
  });
  return new EventFeed(publisher, { ...others, schema: schemaOf(eventSchema) });
}

function schemaOf(name: SimOptions['eventSchema']): EventSchema {
  if (name === 'map') return 'S10';
  return name === 'array' ? 'S8' : name;
}
