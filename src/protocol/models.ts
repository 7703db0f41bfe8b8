/** Model keys `domain-type-sub_type` (PROTOCOL, from DJI's product list). */
const MODELS: Readonly<Record<string, string>> = {
  '3-1-0': 'Dock',
  '3-2-0': 'Dock 2',
  '3-3-0': 'Dock 3',
  '0-67-0': 'M30',
  '0-67-1': 'M30T',
  '0-91-0': 'M3D',
  '0-91-1': 'M3TD',
  '0-100-0': 'M4D',
  '0-100-1': 'M4TD',
  '0-60-0': 'M300',
  '0-89-0': 'M350',
  '0-103-0': 'M400',
  '0-77-0': 'M3E',
  '0-77-1': 'M3T',
  '0-77-2': 'M3M',
  '0-77-3': 'M3TA',
  '0-99-0': 'M4E',
  '0-99-1': 'M4T',
  '2-119-0': 'RC Plus',
  '2-144-0': 'RC Pro Enterprise',
  '2-174-0': 'RC Plus 2',
};

/** The name of a model key; an unknown key is shown as it is. */
export function modelName(key: string): string {
  return Object.hasOwn(MODELS, key) ? (MODELS[key] ?? key) : key;
}

// DJI's page on terminal devices for FlightHub 2 On-Premises (November 2026).
const DOCK_OF: readonly (readonly [aircraft: RegExp, dock: string])[] = [
  [/^0-67-/, '3-1-0'],
  [/^0-91-/, '3-2-0'],
  [/^0-100-/, '3-3-0'],
];

/** The model of the dock for aircraft of this model; null = not public. */
export function dockOf(aircraft: string): string | null {
  return DOCK_OF.find(([models]) => models.test(aircraft))?.[1] ?? null;
}

/** Whether a dock and an aircraft of these models share one version number (PROTOCOL "Dock and aircraft belong together"). */
export function sharesReleases(dock: string, aircraft: string): boolean {
  // On the first Dock, dock and aircraft have different version numbers.
  return dock !== '3-1-0' && dockOf(aircraft) === dock;
}

/** Whether the model key is known. */
export function isKnownModel(key: string): boolean {
  return Object.hasOwn(MODELS, key);
}

/** The keys of the model with this name, as file names spell it: without spaces, in any case. */
export function modelKeys(name: string): string[] {
  const plain = (text: string) => text.replaceAll(' ', '').toLowerCase();
  return Object.keys(MODELS).filter((key) => plain(modelName(key)) === plain(name));
}
