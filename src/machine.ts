/** What a run has of the machine that it runs on. Everything that is not a function of its input comes from here. */
import { randomUUID } from 'node:crypto';
import { type Clock, systemClock } from './clock.js';
import { type Disk, systemDisk } from './disk.js';
import { type Processes, systemProcesses } from './processes.js';

export interface Machine {
  clock: Clock;
  disk: Disk;
  processes: Processes;
  /** A new UUID. */
  newId(): string;
}

export const thisMachine: Machine = {
  clock: systemClock,
  disk: systemDisk,
  processes: systemProcesses,
  newId: () => randomUUID(),
};

/** `parts`, and those of this machine for what is left out. */
export function machineOf(parts: Partial<Machine>): Machine {
  const { clock, disk, processes, newId } = thisMachine;
  return {
    clock: parts.clock ?? clock,
    disk: parts.disk ?? disk,
    processes: parts.processes ?? processes,
    newId: parts.newId ?? newId,
  };
}
