// Flags of llm-d's endpoint picker, so that its command line starts Warmpath too. Those listed here
// have no effect and are reported; --config-file and --config-text mean the same in both.

const WITH_VALUE = [
  'pool-name',
  'pool-namespace',
  'pool-group',
  'endpoint-selector',
  'endpoint-target-ports',
  'grpc-port',
  'grpc-health-port',
  'metrics-port',
  'cert-path',
  'tls-min-version',
  'tls-cipher-suites',
  'refresh-metrics-interval',
  'refresh-prometheus-metrics-interval',
  'metrics-staleness-threshold',
  'drain-timeout',
  'grpc-max-recv-msg-size',
  'grpc-max-send-msg-size',
  'metrics-client-ca-file',
  'metrics-cert-dir',
  'zap-encoder',
  'total-queued-requests-metric',
  'total-running-requests-metric',
  'kv-cache-usage-percentage-metric',
  'lora-info-metric',
  'cache-info-metric',
  'model-server-metrics-scheme',
] as const;

const SWITCHES = [
  'secure-serving',
  'enable-cert-reload',
  'allow-experimental-plugins',
  'ha-enable-leader-election',
  'disable-endpoint-subset-filter',
  'emit-endpoint-scores',
  'enable-grpc-stream-metrics',
  'metrics-endpoint-auth',
  'tracing',
  'health-checking',
  'enable-pprof',
  'model-server-metrics-https-insecure-skip-verify',
] as const;

/** Whether an endpoint picker's flag takes a value; null: it has no such flag. */
export function eppFlagTakesValue(name: string): boolean | null {
  if (WITH_VALUE.some((known) => known === name)) return true;
  return SWITCHES.some((known) => known === name) ? false : null;
}
