// Configuration file, EndpointPickerConfig and overrides to one checked Config.
import path from 'node:path';
import { ConfigError } from '../errors.js';
import { type AccessConfig, type AccessOverrides, readAccess } from './access-config.js';
import { type CertificateConfig, readCertificate } from './certificate-config.js';
import { ConfigFiles, type FileVersions } from './config-files.js';
import { CONFIG, type ConfigFile, type ModelFile } from './config-schema.js';
import {
  discoveredEndpoint,
  discoveredSource,
  type EndpointConfig,
  type SourceConfig,
  sourcesOf,
} from './endpoint-config.js';
import { parseEppText, readEppConfig } from './epp-config.js';
import { mapping, Place, shown } from './field.js';
import { DEFAULT_PLAN, type SchedulingPlan } from './scheduling-plan.js';
import { parseYaml } from './yaml-document.js';

export type { EndpointConfig, SourceConfig } from './endpoint-config.js';

export interface ModelConfig
  extends Omit<ModelFile, 'endpoints' | 'apiKeyFile' | 'replaceAuthorization'> {
  /** Whether `apiKey` goes with clients' requests too. */
  readonly replaceAuthorization: boolean;
  /** Fixed ones. */
  readonly endpoints: readonly EndpointConfig[];
  readonly sources: readonly SourceConfig[];
}

type Resolved = 'models' | 'kvEvents' | 'index' | 'scheduling' | 'access' | 'listen' | 'tls';

export interface Config extends Omit<ConfigFile, Resolved> {
  readonly access: AccessConfig;
  readonly listen: Omit<ConfigFile['listen'], 'tls' | 'adminTls'> & {
    /** null: plain HTTP. */
    readonly tls: CertificateConfig | null;
    readonly adminTls: CertificateConfig | null;
  };
  /** Towards engines; `ca` is PEM text, null: Node's own list. */
  readonly tls: { readonly verify: boolean; readonly ca: string | null };
  readonly models: readonly ModelConfig[];
  readonly kvEvents: { readonly bind: string | null; readonly topicPrefix: string };
  readonly index: {
    readonly maxBytes: number;
    /** 0: no predicted entries. */
    readonly predictedTtlMs: number;
    readonly tierWeights: { readonly gpu: number; readonly cpu: number; readonly storage: number };
  };
  readonly scheduling: SchedulingPlan;
}

/** What flags and environment decide over the file; null leaves the file's value. */
export interface ConfigOverrides extends AccessOverrides {
  readonly host: string | null;
  readonly adminHost: string | null;
  readonly port: number | null;
  readonly adminPort: number | null;
  /** EndpointPickerConfig, as a file or as text. */
  readonly eppFile: string | null;
  readonly eppText: string | null;
  readonly logLevel: Config['log']['level'] | null;
  readonly stateDir?: string | null;
}

export const NO_OVERRIDES: ConfigOverrides = {
  apiKey: null,
  adminKey: null,
  host: null,
  adminHost: null,
  port: null,
  adminPort: null,
  eppFile: null,
  eppText: null,
  logLevel: null,
};

export interface LoadedConfig {
  readonly config: Config;
  /** All files it was read from. */
  readonly files: FileVersions;
  /** What works, but probably not as meant. */
  readonly warnings: readonly string[];
}

const DEFAULT_INDEX_BYTES = 2 ** 30;
const DEFAULT_TTL_MS = 1000;
const DEFAULT_TIERS = { gpu: 1, cpu: 0.8, storage: 0.25 };

/** Throws ConfigError naming file, line, key and value. */
export function loadConfig(file: string, overrides: ConfigOverrides = NO_OVERRIDES): LoadedConfig {
  const own = new ConfigFiles('.');
  const { files, ...loaded } = parseConfig(own.read(file, '--config'), file, overrides);
  return { ...loaded, files: new Map([...own.versions, ...files]) };
}

/** `source` is the file's name: other files are looked for beside it. */
export function parseConfig(
  content: string,
  source: string,
  overrides: ConfigOverrides = NO_OVERRIDES,
): LoadedConfig {
  const place = new Place(parseYaml(content, source));
  const file = CONFIG.read(place.document.value, place);
  const files = new ConfigFiles(path.dirname(path.resolve(source)));
  const plan = schedulingPlan(file, overrides, place, files);
  const problems = plan.problems.map((text) => `scheduling: ${text}`);
  const access = readAccess(file.access, overrides, place.child('access'), files);
  const named = file.models.map((model, position) => {
    return namedModel(model, place.child('models').child(position), files, access.keys !== null);
  });
  const at = place.child('listen');
  const listen = {
    ...file.listen,
    tls: readCertificate(file.listen.tls, at.child('tls'), files),
    adminTls: readCertificate(file.listen.adminTls, at.child('adminTls'), files),
  };
  const { verify, caFile } = file.tls;
  const caPlace = place.child('tls').child('caFile').name;
  const tls = { verify, ca: caFile === null ? null : files.read(caFile, caPlace) };
  const warnings = [...new Set([...place.warnings, ...problems])];
  checkNames(named, place.child('models'));
  const bind = eventBind(file, plan, named);
  const models = named.map((model) => withPlan(model, plan, bind, warnings));
  const rest = merged({ ...file, listen }, plan, overrides, bind);
  return { config: { ...file, tls, access, ...rest, models }, warnings, files: files.versions };
}

function schedulingPlan(
  file: ConfigFile,
  { eppFile, eppText }: ConfigOverrides,
  root: Place,
  files: ConfigFiles,
): SchedulingPlan {
  if (eppFile !== null && eppText !== null) {
    throw new ConfigError('--config-file and --config-text exclude each other');
  }
  if (eppText !== null) return parseEppText(eppText, '--config-text');
  if (eppFile !== null) {
    // A flag is meant from where it was given, not from the folder of the configuration.
    const resolved = path.resolve(eppFile);
    return parseEppText(files.read(resolved, '--config-file'), eppFile);
  }
  if (file.scheduling === null) return DEFAULT_PLAN;
  const place = root.child('scheduling');
  const given = mapping(file.scheduling, place);
  if (!Object.hasOwn(given, 'configFile')) return readEppConfig(file.scheduling, place);
  const at = place.child('configFile');
  const name = given['configFile'];
  if (typeof name !== 'string') return at.fail(`must be a file name, not ${shown(name)}`);
  const other = Object.keys(given).find((key) => key !== 'configFile');
  if (other !== undefined) place.child(other).fail('cannot stand beside configFile');
  return parseEppText(files.read(name, at.name), files.resolve(name));
}

function namedModel(
  { apiKeyFile, ...model }: ModelFile,
  place: Place,
  files: ConfigFiles,
  asksForKeys: boolean,
): ModelConfig {
  const { endpoints, tokenizer, chatTemplate, replaceAuthorization } = model;
  const apiKey =
    apiKeyFile === null
      ? model.apiKey
      : files.read(apiKeyFile, place.child('apiKeyFile').name).trim();
  if (replaceAuthorization === true && apiKey === null) {
    place.child('replaceAuthorization').fail('needs apiKey or apiKeyFile');
  }
  const at = place.child('endpoints');
  const sources = sourcesOf(endpoints, at, files.resolve('.'));
  if (endpoints.static.length + sources.length === 0) {
    at.fail('has no endpoint; list the engines under static, or say where to find them');
  }
  const isFolder = tokenizer !== 'engine' && !tokenizer.startsWith('hf://');
  return {
    ...model,
    apiKey,
    replaceAuthorization: apiKey !== null && (replaceAuthorization ?? asksForKeys),
    tokenizer: isFolder ? files.resolve(tokenizer) : tokenizer,
    chatTemplate: chatTemplate === null ? null : templateText(chatTemplate, place, files),
    endpoints: endpoints.static.map((endpoint) => {
      const { url, dataParallelRank: rank } = endpoint;
      const name = endpoint.name ?? `${new URL(url).host}${rank === null ? '' : `/dp${rank}`}`;
      return { ...endpoint, name };
    }),
    sources,
  };
}

/** As vLLM does: what holds Jinja is the template itself, anything else names a file. */
function templateText(given: string, place: Place, files: ConfigFiles): string {
  if (/[{}\n]/.test(given)) return given;
  return files.read(given, place.child('chatTemplate').name);
}

function checkNames(models: readonly ModelConfig[], place: Place): void {
  const names = new Map<string, string>();
  const endpoints = new Map<string, string>();
  const claim = (known: Map<string, string>, value: string, what: string, at: Place) => {
    const first = known.get(value);
    if (first !== undefined) at.fail(`${shown(value)} is taken already: ${what} of ${first}`);
    known.set(value, at.name);
  };
  models.forEach(({ name, aliases, endpoints: own }, i) => {
    const at = place.child(i);
    claim(names, name, 'name', at.child('name'));
    aliases.forEach((alias, j) => {
      claim(names, alias, 'name', at.child('aliases').child(j));
    });
    own.forEach(({ name: endpoint, url, dataParallelRank }, j) => {
      const here = at.child('endpoints').child('static').child(j);
      claim(endpoints, endpoint, 'name', here.child('name'));
      const rank = dataParallelRank === null ? '' : ` rank ${dataParallelRank}`;
      claim(endpoints, `${url}${rank}`, 'url', here.child('url'));
    });
  });
}

/** Generation 1 binds a port without being told to: only done when some engine has no address. */
function eventBind(
  file: ConfigFile,
  { events }: SchedulingPlan,
  models: readonly ModelConfig[],
): string | null {
  if (file.kvEvents.bind !== null) return file.kvEvents.bind;
  if (!events.zmqEndpointIsDefault) return events.zmqEndpoint;
  const silent = models.some(
    ({ endpoints, sources }) =>
      endpoints.some(({ kvEvents }) => kvEvents === null) ||
      sources.some((source) => source.kind !== 'file' && source.kvEventsPort === null),
  );
  return silent ? events.zmqEndpoint : null;
}

/** Fills from the EndpointPickerConfig what the model leaves open. */
function withPlan(
  model: ModelConfig,
  plan: SchedulingPlan,
  bind: string | null,
  warnings: string[],
): ModelConfig {
  const { name, hashSeed, blockSize } = model;
  if (hashSeed !== null && plan.hashSeed !== null && hashSeed !== plan.hashSeed) {
    warnings.push(
      `${name}: hashSeed "${hashSeed}" is used, not the scheduling's "${plan.hashSeed}"`,
    );
  }
  const planned = plan.blockSizeTokens;
  if (blockSize !== null && planned !== null && blockSize !== planned) {
    warnings.push(`${name}: blockSize ${blockSize} is used, not the scheduling's ${planned}`);
  }
  const { discover } = plan.events;
  const endpoints =
    bind !== null || discover === null
      ? model.endpoints
      : model.endpoints.map((endpoint) => discoveredEndpoint(endpoint, discover));
  const sources =
    bind !== null || discover === null
      ? model.sources
      : model.sources.map((source) => discoveredSource(source, discover));
  return { ...model, hashSeed: hashSeed ?? plan.hashSeed, endpoints, sources };
}

function merged(
  {
    listen,
    kvEvents,
    index,
    log,
    stateDir: folder,
  }: Pick<Config, 'listen'> & Omit<ConfigFile, 'listen'>,
  plan: SchedulingPlan,
  { host, port, adminHost, adminPort, logLevel, stateDir }: ConfigOverrides,
  bind: string | null,
): Pick<Config, 'listen' | 'kvEvents' | 'index' | 'log' | 'scheduling' | 'stateDir'> {
  const { speculative } = plan;
  const plannedTtlMs =
    speculative === null ? DEFAULT_TTL_MS : speculative.enabled ? speculative.ttlMs : 0;
  return {
    listen: {
      ...listen,
      host: host ?? listen.host,
      port: port ?? listen.port,
      adminHost: adminHost ?? listen.adminHost,
      adminPort: adminPort ?? listen.adminPort,
    },
    kvEvents: { bind, topicPrefix: kvEvents.topicPrefix ?? plan.events.topicFilter ?? 'kv@' },
    index: {
      maxBytes: index.maxBytes ?? plan.indexMaxBytes ?? DEFAULT_INDEX_BYTES,
      predictedTtlMs: index.predictedTtlMs ?? plannedTtlMs,
      tierWeights: index.tierWeights ?? { ...DEFAULT_TIERS, ...plan.tierWeights },
    },
    log: { ...log, level: logLevel ?? log.level },
    scheduling: plan,
    stateDir: stateDir ?? folder,
  };
}
