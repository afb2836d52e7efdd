/** The way to a value from the root of the configuration: keys of sections and names of entries. */
export type ConfigPath = readonly string[];

const PLAIN_SEGMENT = /^[A-Za-z0-9_-]+$/;

/** `server.port`; a name that holds a dot is quoted (`endpoints["a.b"].model`), so that no two paths look alike. */
export function pathText(path: ConfigPath): string {
  let text = '';
  for (const segment of path) {
    if (!PLAIN_SEGMENT.test(segment)) text += `[${JSON.stringify(segment.slice(0, 128))}]`;
    else text += text === '' ? segment : `.${segment}`;
  }
  return text;
}
