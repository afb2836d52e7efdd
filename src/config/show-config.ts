import { stringify } from 'yaml';
import { isJsonObject, type JsonObject, type JsonValue } from '../kernel/json.ts';
import { type ConfigPath, pathText } from './config-path.ts';
import { nodeAt } from './describe-config.ts';
import type { LoadedConfig } from './load-config.ts';
import { redactStoreUrl } from './store-url.ts';

/** The configuration in force, every secret as `***` (of a postgres URL: its password). */
export function redactConfig({ config }: Pick<LoadedConfig, 'config'>): JsonObject {
  return redact(config as unknown as JsonObject, []) as JsonObject;
}

function redact(value: JsonValue, path: ConfigPath): JsonValue {
  if (isJsonObject(value)) {
    const entries = Object.entries(value).filter(([, child]) => child !== undefined);
    return Object.fromEntries(entries.map(([key, child]) => [key, redact(child, [...path, key])]));
  }
  const node = nodeAt(path);
  if (node?.kind !== 'option' || !node.secret) return value;
  return pathText(path) === 'store.url' ? redactStoreUrl(String(value)) : '***';
}

/** For `config show --json`: the redacted configuration and where each leaf came from. */
export function showConfigJson(loaded: LoadedConfig): JsonObject {
  return { config: redactConfig(loaded), sources: Object.fromEntries(loaded.sources) };
}

/** For `config show`: YAML with the source of each leaf behind it. */
export function showConfigYaml(loaded: LoadedConfig): string {
  const lines: string[] = [];
  const write = (value: JsonObject, path: ConfigPath): void => {
    const indent = '  '.repeat(path.length);
    for (const [key, child] of Object.entries(value)) {
      const childPath = [...path, key];
      const name = indent + scalar(key);
      if (!isJsonObject(child)) lines.push(`${name}: ${scalar(child)}  # ${sourceText(childPath, loaded)}`);
      else if (Object.keys(child).length > 0) {
        lines.push(`${name}:`);
        write(child, childPath);
      } else if (nodeAt(childPath)?.kind === 'record') lines.push(`${name}: {}`);
    }
  };
  write(redactConfig(loaded), []);
  return `${lines.join('\n')}\n`;
}

function scalar(value: JsonValue): string {
  return stringify(value, { lineWidth: 0, defaultStringType: 'PLAIN', blockQuote: false }).trimEnd();
}

function sourceText(path: ConfigPath, { sources }: LoadedConfig): string {
  const source = sources.get(pathText(path)) ?? 'default';
  if (source !== 'env') return source;
  for (let length = path.length; length > 0; length--) {
    const node = nodeAt(path.slice(0, length));
    if (node !== undefined && node.kind !== 'section' && node.env !== null) return `env ${node.env}`;
  }
  return source;
}
