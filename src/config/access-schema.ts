// Configuration keys about who may use the router, and how its ports and engines are protected.
import { flag, integer, list, optional, table, text } from './field.js';

const rates = {
  requestsPerMinute: optional(
    integer({ doc: 'Requests of one key in a minute; more get 429.', min: 1, max: 1e9 }),
    'no limit',
  ),
  tokensPerMinute: optional(
    integer({
      doc: 'Tokens of one key in a minute, prompts and answers; then 429 until they are paid.',
      min: 1,
      max: 1e12,
    }),
    'no limit',
  ),
};

export const ACCESS = table(
  {
    keysFile: optional(
      text({
        doc: "File with the clients' keys, one a line: name:SHA256HEX, or the key itself.",
      }),
      'no key is asked for',
    ),
    adminKeyFile: optional(
      text({ doc: 'File with the key of the admin port.' }),
      'no key is asked for',
    ),
    ...rates,
    perKey: list(
      table(
        { name: text({ doc: "A key's name in the file." }), ...rates },
        'Limits of the keys of one name.',
      ),
      { doc: 'Limits that differ.', max: 10_000 },
    ),
  },
  'Who may use the router.',
);

/** Certificate of one port. */
export const certificate = (doc: string) =>
  table(
    {
      certFile: text({ doc: 'PEM file with the certificate and those above it.' }),
      keyFile: text({ doc: 'PEM file with its private key, without a passphrase.' }),
    },
    doc,
  );

export const ENGINE_TLS = table(
  {
    verify: flag({ doc: 'Check the certificates of https engines.', fallback: true }),
    caFile: optional(
      text({ doc: 'PEM file with the CA of the engines, and of other routers.' }),
      "Node's own list",
    ),
  },
  'TLS towards engines.',
);
