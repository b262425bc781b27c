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

test('where usage has both names the new one counts', () => {
  const text = 'vllm:gpu_cache_usage_perc{e="0"} 0.9\nvllm:kv_cache_usage_perc{e="0"} 0.2';
  assert.equal(parseEngineMetrics(text).kvCacheUsage, 0.2);
});

test('of a rank only its own series count, and those that name no engine', () => {
  const text = `vllm:num_requests_waiting{engine="0",model_name="m"} 3
vllm:num_requests_waiting{engine="10",model_name="m"} 4
vllm:num_requests_running{model_name="m"} 2`;
  const load = (rank: number | null) => {
    const { waitingRequests, runningRequests } = parseEngineMetrics(text, rank);
    return [waitingRequests, runningRequests];
  };
  assert.deepEqual(load(null), [7, 2]);
  assert.deepEqual(load(0), [3, 2]);
  assert.deepEqual(load(1), [0, 2]);
  assert.deepEqual(load(10), [4, 2]);
});

test('adapters come from the latest series of lora_requests_info', () => {
  const text = `vllm:lora_requests_info{max_lora="4",running_lora_adapters="a,b",waiting_lora_adapters="c"} 1.7e9
vllm:lora_requests_info{max_lora="4",running_lora_adapters="",waiting_lora_adapters=""} 1.6e9`;
  assert.deepEqual(parseEngineMetrics(text).lora, { running: ['a', 'b'], waiting: ['c'], max: 4 });
  assert.equal(parseEngineMetrics('').lora, null);
});

test('values out of range, not finite or cut off never reach the load', () => {
  const text = `vllm:num_requests_waiting{engine="0"} NaN
vllm:num_requests_waiting{engine="1"} +Inf
vllm:num_requests_running{engine="0"} -3
vllm:kv_cache_usage_perc{engine="0"} 7.5
vllm:num_requests_waiting{engine="2"`;
  const { waitingRequests, runningRequests, kvCacheUsage } = parseEngineMetrics(text);
  assert.deepEqual([waitingRequests, runningRequests, kvCacheUsage], [0, 0, 1]);
});

test('a name inside a comment or a label is no sample', () => {
  const text = `# TYPE vllm:num_requests_waiting gauge
other{x="vllm:num_requests_waiting 5"} 1
vllm:num_requests_waiting{a="\\\\",b="} 9"} 2 1700000000`;
  assert.equal(parseEngineMetrics(text).waitingRequests, 2);
});

test('Windows line ends and a hash algorithm of None are understood', () => {
  const { waitingRequests, hashAlgorithm } = parseEngineMetrics(
    'vllm:num_requests_waiting 2\r\nvllm:cache_config_info{prefix_caching_hash_algo="None"} 1\r\n',
  );
  assert.equal(waitingRequests, 2);
  assert.equal(hashAlgorithm, null);
});
