// What main does with news from the event thread.
import type { EventReport } from '../events/event-messages.js';
import { log } from '../log.js';
import type { Fleet } from '../router/fleet.js';

export function onEventReport(report: EventReport, fleet: Fleet, unknownTopics: Set<string>): void {
  switch (report.type) {
    case 'state':
      fleet.eventStates(report.states);
      break;
    case 'removed':
      fleet.forgotten(report.slot);
      break;
    case 'ready':
      if (report.boundTo !== null) log.info('engines may connect', { address: report.boundTo });
      break;
    case 'unknown-topic':
      unknownTopics.add(report.topic);
      log.warn('events under a topic that names no endpoint', { topic: report.topic });
      break;
    case 'failed':
      log.error('the event thread died: it is started again', { reason: report.message });
      fleet.missEvents('the event thread died, and is started again');
      break;
  }
}
