/** The simulator as commands use it: one place to load, and only where it is asked for. */
export { docksForManifest } from '../simulator/configs.js';
export { startSimulator } from '../simulator/fleet.js';
export { loadScenario } from '../simulator/load-scenario.js';
