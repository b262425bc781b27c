// Central mode: every topic names an endpoint.
import { ok, unknown, type Verdict, wrong } from '../finding.js';
import { type FleetSurvey, freshBatches } from '../survey.js';

/** Topics shown; a sender can make up any number. */
const SHOWN = 3;

/** null: no engine connects to us. */
export function checkTopics({ bind, unknownTopics, endpoints }: FleetSurvey): Verdict | null {
  const central = endpoints.filter(({ endpoint }) => endpoint.kvEvents === null);
  if (bind === null || central.length === 0) return null;
  if (unknownTopics.length > 0) {
    const names = unknownTopics.slice(0, SHOWN).map((topic) => JSON.stringify(topic));
    const known = central.slice(0, SHOWN).map(({ endpoint, model }) => {
      return `kv@${endpoint.name}@${model.name}`;
    });
    return wrong(
      `events come under ${names.join(', ')}, which names no endpoint, or several`,
      `the topic of --kv-events-config is kv@<endpoint's name, host or host:port>@<model>: ${known.join(', ')}`,
    );
  }
  const heard = central.some(({ events }) => freshBatches(events) > 0);
  return heard ? ok('every topic names an endpoint') : unknown('no events came');
}
