// How endpoints are watched: settings that may change while somebody holds what follows from them.
import type { HealthThresholds } from '../endpoint/endpoint-health.js';
import type { PollerIntervals } from '../endpoint/engine-poller.js';

/** The configuration's keys of the same names. */
export interface MonitorSettings extends HealthThresholds {
  readonly metricsIntervalMs: number;
  readonly healthIntervalMs: number;
  readonly modelsIntervalMs: number;
  readonly timeoutMs: number;
}

/** Whoever has this as a getter can exchange the settings. */
interface Monitored {
  readonly monitor: MonitorSettings;
}

export function thresholdsOf(source: Monitored): HealthThresholds {
  return {
    get failuresToUnhealthy() {
      return source.monitor.failuresToUnhealthy;
    },
    get successesToHealthy() {
      return source.monitor.successesToHealthy;
    },
  };
}

export function intervalsOf(source: Monitored): PollerIntervals {
  return {
    get intervalMs() {
      return source.monitor.metricsIntervalMs;
    },
    get healthIntervalMs() {
      return source.monitor.healthIntervalMs;
    },
    get modelsIntervalMs() {
      return source.monitor.modelsIntervalMs;
    },
    get timeoutMs() {
      return source.monitor.timeoutMs;
    },
  };
}
