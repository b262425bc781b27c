// Endpoints without engines behind them.
import { DEFAULT_THRESHOLDS } from '../../src/endpoint/endpoint-health.js';
import { InflightLoad } from '../../src/endpoint/inflight-load.js';
import { LiveEndpoint } from '../../src/router/live-endpoint.js';

/** Named a, b, c, … in slots 0, 1, 2, … */
export function liveEndpoints(count: number): LiveEndpoint[] {
  const inflight = new InflightLoad(count);
  return Array.from({ length: count }, (_, slot) => {
    const name = String.fromCharCode(97 + slot);
    const endpoint = {
      ...{ slot, epoch: 1, name, url: `http://${name}`, model: 'm' },
      ...{ kvEvents: null, kvReplay: null, dataParallelRank: null },
    };
    return new LiveEndpoint(endpoint, inflight, DEFAULT_THRESHOLDS);
  });
}
