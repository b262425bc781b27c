// Shape of an EndpointPickerConfig, without the parameters of its plugins.
import {
  anything,
  choice,
  decimal,
  type Infer,
  list,
  optional,
  table,
  text,
  unused,
} from './field.js';

/** Far more than any real configuration; a bound for hostile ones. */
const MAX_ITEMS = 256;

const pluginRef = text({ doc: 'Name of a plugin, or its type.' });
const reference = table({ pluginRef }, 'A plugin.');
const references = (doc: string) => list(reference, { doc, max: MAX_ITEMS });

const plugin = table(
  {
    name: optional(text({ doc: 'Name; the type when left out.' })),
    type: text({ doc: 'Type of the plugin.' }),
    parameters: anything('Settings of the plugin.'),
  },
  'One plugin.',
);

const profile = table(
  {
    name: optional(text({ doc: 'Name of the profile.' })),
    plugins: list(
      table(
        {
          pluginRef,
          weight: optional(decimal({ doc: 'Weight of a scorer.', min: 0, max: 1e6 })),
        },
        'One plugin of the profile.',
      ),
      { doc: 'Plugins of the profile.', max: MAX_ITEMS },
    ),
  },
  'One profile.',
);

const source = table({ pluginRef, extractors: references('Extractors.') }, 'One source.');

export const ENVELOPE = table(
  {
    apiVersion: optional(
      choice(
        [
          'llm-d.ai/v1alpha1',
          'inference.networking.x-k8s.io/v1alpha1',
          'inference.networking.k8s.io/v1alpha1',
        ],
        { doc: 'Version of the format.' },
      ),
    ),
    kind: optional(choice(['EndpointPickerConfig'], { doc: 'Kind of document.' })),
    featureGates: list(text({ doc: 'name or name=true.' }), { doc: 'Gates.', max: MAX_ITEMS }),
    plugins: list(plugin, { doc: 'Plugins.', min: 1, max: MAX_ITEMS }),
    schedulingProfiles: list(profile, { doc: 'Profiles.', max: MAX_ITEMS }),
    dataLayer: optional(
      table(
        {
          sources: list(source, { doc: 'Sources.', max: MAX_ITEMS }),
          discovery: optional(reference),
          peerDiscovery: optional(reference),
          ...unused('injectDefaults', 'crossReplicaSyncerPluginRef', 'crossReplicaSyncInterval'),
        },
        'Where endpoint data comes from.',
      ),
    ),
    requestHandler: optional(
      table({ parsers: references('Parsers.') }, 'How requests are parsed.'),
    ),
    saturationDetector: optional(reference),
    parser: optional(reference),
    flowControl: anything('Bounds of queues.'),
    ...unused('metadata'),
  },
  'An EndpointPickerConfig.',
);

export type Envelope = Infer<typeof ENVELOPE>;
