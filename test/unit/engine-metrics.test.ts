import assert from 'node:assert/strict';
import test from 'node:test';
import { parseEngineMetrics } from '../../src/endpoint/engine-metrics.js';

test('waiting and running requests of several ranks are summed, usage is the fullest', () => {
  const metrics = parseEngineMetrics(`# HELP vllm:num_requests_waiting Waiting.
vllm:num_requests_waiting{engine="0",model_name="m"} 3.0
vllm:num_requests_waiting{engine="1",model_name="m"} 4.0
vllm:num_requests_waiting_by_reason{engine="1",model_name="m",reason="capacity"} 4.0
vllm:num_requests_running{engine="0",model_name="m"} 1.0
vllm:kv_cache_usage_perc{engine="0",model_name="m"} 0.25
vllm:kv_cache_usage_perc{engine="1",model_name="m"} 0.5
`);
  assert.equal(metrics.waitingRequests, 7);
  assert.equal(metrics.runningRequests, 1);
  assert.equal(metrics.kvCacheUsage, 0.5);
});

test('usage under its name before vLLM 0.12 is understood', () => {
  assert.equal(parseEngineMetrics('vllm:gpu_cache_usage_perc{m="x"} 0.75').kvCacheUsage, 0.75);
});

test('block size and hash algorithm come from the labels of cache_config_info', () => {
  const metrics = parseEngineMetrics(
    'vllm:cache_config_info{block_size="64",enable_prefix_caching="True",num_gpu_blocks="1000",' +
      'prefix_caching_hash_algo="sha256_cbor",sliding_window="None",odd="a \\"b} c"} 1.0',
  );
  assert.equal(metrics.blockSizeTokens, 64);
  assert.equal(metrics.hashAlgorithm, 'sha256_cbor');
  assert.equal(metrics.gpuBlocks, 1000);
  assert.equal(metrics.prefixCaching, true);
});

test('a label with value None is unknown, not a number', () => {
  const metrics = parseEngineMetrics('vllm:cache_config_info{block_size="None"} 1.0');
  assert.equal(metrics.blockSizeTokens, null);
  assert.equal(metrics.prefixCaching, null);
});

test('an engine sleeps when any state but awake is 1', () => {
  const awake = 'vllm:engine_sleep_state{engine="0",sleep_state="awake"} ';
  const asleep = 'vllm:engine_sleep_state{engine="0",sleep_state="weights_offloaded"} ';
  assert.equal(parseEngineMetrics(`${awake}1.0\n${asleep}0.0`).sleeping, false);
  assert.equal(parseEngineMetrics(`${awake}0.0\n${asleep}1.0`).sleeping, true);
});

test('lines that are not Prometheus text are passed over', () => {
  const metrics = parseEngineMetrics(
    '<html>\nvllm:num_requests_waiting{ 3\nvllm:num_requests_waiting nonsense\nvllm:num_requests_waiting 2',
  );
  assert.equal(metrics.waitingRequests, 2);
});
