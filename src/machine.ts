/** What a run uses of its machine: everything that is not a function of its input. */
import { randomUUID } from 'node:crypto';
import { type Clock, systemClock } from './clock.js';
import { type Disk, systemDisk } from './disk.js';
import { type Processes, systemProcesses } from './processes.js';

/** The machine on which a run takes place. */
export interface Machine {
  clock: Clock;
  disk: Disk;
  processes: Processes;
  /** A new UUID. */
  newId(): string;
}

/** The machine of this process. */
export const thisMachine: Machine = {
  clock: systemClock,
  disk: systemDisk,
  processes: systemProcesses,
  newId: () => randomUUID(),
};

/** `parts`, completed by the parts of this machine. */
export function machineOf(parts: Partial<Machine>): Machine {
  const { clock, disk, processes, newId } = thisMachine;
  return {
    clock: parts.clock ?? clock,
    disk: parts.disk ?? disk,
    processes: parts.processes ?? processes,
    newId: parts.newId ?? newId,
  };
}
