/**
 * Names that Windows does not accept for files: device names (also with an extension), certain characters, and endings that it
 * removes silently.
 */
const DEVICE = /^(?:con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]|conin\$|conout\$)(?:\.|$)/i;

/** Whether Windows treats `name` as a device, like `nul` and `com1.json`. */
export function isDeviceName(name: string): boolean {
  return DEVICE.test(name.replace(/ +(?=\.|$)/g, ''));
}

/**
 * Why no file can be created at `path` on Windows, in words that follow its name; null = it can, and on other systems. A colon
 * would write to a hidden stream of another file.
 */
export function fileNameProblem(path: string, platform: NodeJS.Platform = process.platform): string | null {
  if (platform !== 'win32') return null;
  const parts = path.replace(/^(?:[\\/]{2}[?.][\\/])?(?:[a-z]:)?/i, '').split(/[\\/]/);
  const last = parts.at(-1) ?? '';
  for (const part of parts) {
    const [wrong] = /[<>:"|?*]/.exec(part) ?? [];
    if (wrong !== undefined) return `contains ${wrong}, which Windows does not allow in file names`;
    if (isDeviceName(part)) return `contains the name of a device of Windows, ${part}`;
  }
  return /[ .]$/.test(last) && !/^\.\.?$/.test(last) ? 'ends in a dot or a space, which Windows removes' : null;
}
