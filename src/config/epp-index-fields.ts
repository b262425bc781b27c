// Parameters of the plugin that owns the precise index in an EndpointPickerConfig: one shape that
// takes all three generations (llm-d-router and its predecessors).
import {
  choice,
  decimal,
  digits,
  type Field,
  flag,
  type InferFields,
  integer,
  list,
  optional,
  table,
  text,
  unused,
} from './field.js';
import { bytes, goDurationMs } from './quantity.js';

export const count = (doc: string, fallback: number): Field<number> =>
  integer({ doc, fallback, min: 1, max: Number.MAX_SAFE_INTEGER });
export const share = (doc: string, fallback: number): Field<number> =>
  decimal({ doc, fallback, min: 0, max: 1 });

const blockTokens = (doc: string): Field<number | null> =>
  optional(integer({ doc, unit: 'tokens', min: 1, max: 65536 }));
const port = (doc: string, fallback: number): Field<number> =>
  integer({ doc, fallback, min: -1, max: 65535 });

const tokenProcessorConfig = optional(
  table(
    {
      blockSizeTokens: blockTokens("The engines' block size."),
      blockSize: blockTokens('Older name of blockSizeTokens.'),
      hashSeed: optional(digits({ doc: "The engines' PYTHONHASHSEED." })),
      ...unused('hashAlgorithm'),
    },
    'How prompts become blocks.',
  ),
);

const kvBlockIndexConfig = optional(
  table(
    {
      inMemoryConfig: optional(
        table(
          { size: count('Block hashes to keep.', 1e8), ...unused('podCacheSize') },
          'Index bounded by entries.',
        ),
      ),
      costAwareMemoryConfig: optional(
        table(
          {
            size: bytes({
              doc: 'Bytes the index may take.',
              fallback: 2 * 2 ** 30,
              fallbackText: '2GiB',
              min: 1,
              max: Number.MAX_SAFE_INTEGER,
            }),
          },
          'Index bounded by bytes.',
        ),
      ),
      redisConfig: sharedIndex('Redis'),
      valkeyConfig: sharedIndex('Valkey'),
      metricsLoggingInterval: goDurationMs({
        doc: 'Checked, not used: metrics are scraped.',
        fallback: 0,
        fallbackText: '0',
        min: 0,
        max: Number.MAX_SAFE_INTEGER,
      }),
      ...unused('enableMetrics'),
    },
    'Bounds of the index.',
  ),
);

const kvCacheBackendConfigs = list(
  table(
    { name: text({ doc: '`gpu` or `cpu`.' }), weight: share('Worth of a block there.', 1) },
    'One tier.',
  ),
  { doc: 'Worth of a block by the tier it lies in.', max: 16 },
);

const kvEventsConfig = optional(
  table(
    {
      zmqEndpoint: optional(text({ doc: 'Address to bind; engines connect to it.' })),
      topicFilter: optional(text({ doc: 'Prefix of the topics to take.' })),
      discoverPods: flag({ doc: "Connect to every engine's publisher.", fallback: true }),
      podDiscoveryConfig: optional(
        table(
          {
            socketPort: port('Port of the publisher.', 5557),
            replaySocketPort: port('Port for replay; 0 or less: none.', 0),
            ...unused('podLabelSelector', 'podNamespace'),
          },
          'Where publishers listen.',
        ),
      ),
      engineType: choice(['vllm'], { doc: 'Kind of engine.', fallback: 'vllm' }),
      ...unused('concurrency'),
    },
    'Where KV events come from.',
  ),
);

export const INDEX_FIELDS = {
  tokenProcessorConfig,
  indexerConfig: optional(
    table(
      {
        tokenProcessorConfig,
        kvBlockIndexConfig,
        kvCacheBackendConfigs,
        ...unused('tokenizersPoolConfig', 'prefixStoreConfig', 'kvBlockScorerConfig'),
      },
      'Index of the blocks.',
    ),
  ),
  kvEventsConfig,
  speculativeIndexing: flag({ doc: 'Predicted entries.', fallback: false }),
  speculativeTTL: goDurationMs({
    doc: 'Life of a predicted entry.',
    fallback: 2000,
    fallbackText: '2s',
    min: 0,
    max: 3_600_000,
  }),
} as const;

export type IndexParameters = InferFields<typeof INDEX_FIELDS>;

/** An index outside the process would need a round trip a request; there is none here. */
function sharedIndex(product: string): Field<undefined> {
  return {
    about: { doc: `Not supported: an index in ${product}.`, type: 'any', fallback: 'none' },
    read(value, place) {
      if (value === undefined || value === null) return undefined;
      return place.fail(`an index in ${product} is not supported; the index is in process`);
    },
  };
}
