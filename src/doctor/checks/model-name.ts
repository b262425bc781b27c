// Names go into event topics, whose parts are set apart by '@'.
import type { ModelConfig } from '../../config/config.js';
import { ok, type Verdict, wrong } from '../finding.js';

export function checkModelName({ name, endpoints }: ModelConfig): Verdict {
  if (name.includes('@')) {
    return wrong(
      `the model's name ${JSON.stringify(name)} holds '@', which parts the topic kv@<id>@<model>`,
      "serve it under a name without '@' (--served-model-name), also in the topics",
    );
  }
  const endpoint = endpoints.find((one) => one.name.includes('@'));
  if (endpoint !== undefined) {
    return wrong(
      `the endpoint's name ${JSON.stringify(endpoint.name)} holds '@': no topic can name it`,
      "give it a name without '@'",
    );
  }
  return ok(name);
}
