// Process entry: the router as `serve` assembles it, for the decision benchmark. Argument: endpoints
// as JSON. Sends its ports to its parent and answers every message with its CPU time in us.
import { assemble } from '../../src/cli/assembly.js';
import { parseConfig } from '../../src/config/config.js';
import { setLogLevel } from '../../src/log.js';
import { shippedTokenizer } from '../../src/sim/model-encoder.js';
import { SIM_DEFAULTS } from '../../src/sim/sim-options.js';

setLogLevel('error');
const config = {
  listen: { host: '127.0.0.1', port: 0, adminHost: '127.0.0.1', adminPort: 0 },
  models: [
    {
      name: SIM_DEFAULTS.model,
      tokenizer: shippedTokenizer(),
      endpoints: { static: JSON.parse(process.argv[2] ?? '[]') },
    },
  ],
};
const assembly = await assemble(parseConfig(JSON.stringify(config), 'bench').config);
const { url, adminUrl } = await assembly.listen();
process.on('message', () => {
  const { user, system } = process.cpuUsage();
  process.send?.(user + system);
});
process.once('disconnect', () => {
  void assembly.close(0).then(() => process.exit(0));
});
process.send?.({ port: Number(new URL(url).port), adminPort: Number(new URL(adminUrl).port) });
