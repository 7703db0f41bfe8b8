/**
 * The library: the use cases of the command line, for programs. It never prints, ends the process, or changes its listeners.
 *
 * A promise rejects if the request itself is wrong, before anything has begun. Whatever happens to a run later is in its
 * result.
 * @packageDocumentation
 */
export type { BrokerOptions, ConnectFunction } from './app/api/broker.js';
export { devices, inspect, readManifest, report } from './app/api/reads.js';
export type {
  DevicesRequest,
  InspectRequest,
  ManifestEntry,
  PlanRequest,
  PushRequest,
  ReadManifestRequest,
  ReportRequest,
  ResumeRequest,
  SimulatorRequest,
  UpgradeTypeName,
  WatchRequest,
} from './app/api/requests.js';
export type { Run, RunResult } from './app/api/run.js';
export { createSimulator, type Simulator } from './app/api/simulator.js';
export type { DeviceSnapshot, RunSnapshot } from './app/api/snapshot.js';
export { type PlannedPush, plan, push, resume, watch } from './app/api/upgrades.js';
export type { FirmwareSettings } from './app/firmware.js';
export type { Limits, PushSettings, RolloutSettings } from './app/push-settings.js';
export type { ServeSettings } from './app/serving/serving.js';
export type { ErrorCode } from './errors.js';
export { EXIT_CODES, OtaError } from './errors.js';
export type { PackageInfo } from './firmware/inspect.js';
export type { Reading } from './firmware/read/progress.js';
export type { DeviceRow } from './fleet/rows.js';
export type { ManifestDevice } from './manifest/model.js';
export type { Broker, BrokerEvents, BrokerMessage } from './mqtt/broker.js';
export { knownResultCodes, type ResultCode, resultCode } from './protocol/result-codes.js';
export type { RunReport } from './render/report/model.js';
export type { Risk } from './risks.js';
export type { Outcome, PublicDevice, PublicEvent, StampedEvent, Totals, Verified } from './upgrade/events.js';
export type { FailureLimit } from './upgrade/rollout/options.js';
export type { DevicePhase } from './upgrade/tracker/state.js';
