/** Makes a report of an earlier run: replays its journal through the core. */
import type { JournalContent } from '../../journal/read.js';
import type { RunRecord } from '../../journal/record.js';
import { type Collector, createCollector } from '../../render/report/gather.js';
import type { RunOrigin, RunReport } from '../../render/report/model.js';
import { createCore, type RunCore, replay } from '../../upgrade/core/core.js';
import { totalsOf } from '../../upgrade/counting.js';
import { endOf, exitCodeOf } from '../../upgrade/exit-code.js';
import { makePlan, type PlannedDevice } from '../../upgrade/plan/plan.js';
import { factsInEffect, skippedIn } from '../../upgrade/resume.js';
import { outcomes } from '../../upgrade/tracker/tracker.js';
import { viewOf } from '../../upgrade/tracker/view.js';
import { keptBroker } from './kept-connection.js';

/** The origin of an earlier run, from its journal. */
export function originOf({ manifest, manifestSha256, connection, by }: RunRecord): RunOrigin {
  const { user = null, host = null, version = null } = by ?? {};
  return { manifest, manifest_sha256: manifestSha256 ?? null, broker: keptBroker(connection), user, host, version };
}

/**
 * Replays a journal into `collector`. `ended` false: the run is about to be resumed, so what cut it off has not ended its
 * devices. @returns the core in the state of the run; its times are wall times
 */
export function replayInto(collector: Collector, content: JournalContent, ended: boolean): RunCore {
  const { header, plan } = content;
  const devices = plan.devices as PlannedDevice[];
  for (const { sn, file } of devices) {
    if (!file) continue;
    const { file_name, file_size, md5 } = file;
    const known = plan.packages && Object.hasOwn(plan.packages, md5) ? plan.packages[md5] : undefined;
    collector.firmware(sn, { file_name, file_size, md5, ...(known ?? { product: null, sha256: null }) });
  }
  const { command, devices: count, gateways } = header;
  collector.take({ event: 'run_started', command, devices: count, gateways }, header.time);
  for (const fact of content.facts) if (fact.type === 'resumed') collector.resumed(fact.at, fact.by);
  const core = createCore(makePlan(devices), plan.options, skippedIn(content.facts));
  const reopen = !ended && content.finished?.complete === true;
  for (const fact of factsInEffect(content.facts, { reopen, ended })) {
    for (const event of replay(core, fact)) collector.take(event, fact.at);
  }
  return core;
}

/** The report of a run from its journal. `alive`: another process is running it now. */
export function reportOfJournal(content: JournalContent, version: string, alive: boolean): RunReport {
  const { header, plan, finished, facts } = content;
  const { verify } = plan.options.tracker;
  const { run, simulated } = header;
  const collector = createCollector({ run, version, simulated, verify, origin: originOf(header) });
  const core = replayInto(collector, content, true);
  const last = facts.at(-1);
  const time = finished?.time ?? last?.at ?? header.time;
  if (content.lost > 0) {
    const message = `the journal of run ${header.run} is damaged (${content.lost} lines are lost): the report may be incomplete`;
    collector.take({ event: 'warning', code: 'journal_damaged', message }, time);
  }
  if (!finished) {
    const message = alive
      ? `run ${header.run} is still running: the report shows its current state`
      : `run ${header.run} was killed before it wrote its end; continue it with dji-ota resume ${header.run}`;
    collector.take({ event: 'warning', code: alive ? 'run_alive' : 'run_unfinished', message }, time);
  }
  const devices = outcomes(core.tracker);
  const exit_code = finished?.exit_code ?? exitCodeOf(devices, endOf(core, core.cut === 'broker_lost'));
  const cut = last?.type === 'cut_off' && last.cause !== 'timeout' ? last : null;
  if (cut) {
    const code = cut.cause === 'broker_lost' ? 'broker_lost' : 'interrupted';
    collector.take({ event: 'error', code, message: cut.reason, exit_code, hint: null, details: [] }, time);
  }
  collector.take({ event: 'run_finished', exit_code, totals: totalsOf(devices), devices }, time);
  collector.view(viewOf(core));
  return collector.report();
}
