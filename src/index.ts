/**
 * The library: the same functions that the command line calls. It never prints, ends the process or touches its listeners.
 * @packageDocumentation
 */
export type { ErrorCode } from './errors.js';
export { EXIT_CODES, OtaError } from './errors.js';
export type { Reading } from './firmware/read/progress.js';
export type { BrokerOptions, ConnectFunction } from './library/broker.js';
export { type InspectRequest, inspect, type PackageInfo } from './library/inspect.js';
export { type ManifestEntry, type PushRequest, push } from './library/push.js';
export type { Run } from './library/run.js';
export { createSimulator, type Simulator, type SimulatorRequest } from './library/simulator.js';
export { type WatchRequest, watch } from './library/watch.js';
export type { Broker, BrokerEvents, BrokerMessage } from './mqtt/broker.js';
export type { RunResult } from './upgrade/end.js';
export type { DeviceOutcome, Outcome, RunEvent, Totals, Verified } from './upgrade/events.js';
export type { FailureLimit } from './upgrade/rollout/options.js';
export type { DevicePhase, DeviceState, RunView } from './upgrade/tracker/state.js';
