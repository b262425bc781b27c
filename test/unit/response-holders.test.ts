import assert from 'node:assert/strict';
import test from 'node:test';
import { DEFAULT_THRESHOLDS } from '../../src/endpoint/endpoint-health.js';
import { InflightLoad } from '../../src/endpoint/inflight-load.js';
import { LiveEndpoint } from '../../src/router/live-endpoint.js';
import { ResponseHolders } from '../../src/router/response-holders.js';

const DAY_MS = 24 * 3_600_000;

function endpoint(slot: number): LiveEndpoint {
  const address = { name: `e${slot}`, url: `http://h:${slot}`, model: 'm', kvEvents: null };
  const rest = { kvReplay: null, dataParallelRank: null, slot, epoch: 1 };
  return new LiveEndpoint({ ...address, ...rest }, new InflightLoad(8), DEFAULT_THRESHOLDS);
}

test('a response is held for a day after its last use', () => {
  let nowMs = 0;
  const holders = new ResponseHolders(() => nowMs);
  const [first, second] = [endpoint(0), endpoint(1)];
  holders.remember('one', first);
  holders.remember('two', second);
  nowMs = DAY_MS - 1;
  assert.equal(holders.find('one'), first);
  nowMs = DAY_MS + 1;
  assert.equal(holders.find('one'), first);
  assert.equal(holders.find('two'), null);
  assert.equal(holders.find('three'), null);
});

test('what is over is dropped, and the oldest beyond the bound', () => {
  let nowMs = 0;
  const holders = new ResponseHolders(() => nowMs);
  const only = endpoint(0);
  for (let i = 0; i < 100_010; i++) holders.remember(`r${i}`, only);
  assert.equal(holders.size, 100_000);
  assert.equal(holders.find('r9'), null);
  assert.equal(holders.find('r10'), only);
  nowMs = 2 * DAY_MS;
  holders.remember('new', only);
  assert.equal(holders.size, 1);
});
