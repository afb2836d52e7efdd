import { createHmac } from 'node:crypto';
import type { JsonObject, JsonValue } from '../../kernel/json.ts';

export type Redaction = 'drop' | 'hash';

/** A row as it may stand in the log. */
export type Redact = (row: JsonObject) => JsonObject;

/**
 * What of a row goes into the log, or null when nothing is to be kept out of it. A hashed value is `hmac:` and the first 32 hexadecimal digits of HMAC-SHA-256 over
 * its JSON, so equal values stay equal and nobody without the key can try out zip codes.
 */
export function compileRedaction(
  fields: Readonly<Record<string, Redaction>>,
  key: string | undefined,
): Redact | null {
  const rules = Object.entries(fields);
  if (rules.length === 0) return null;
  return (row) => {
    const kept: Record<string, JsonValue> = { ...row };
    for (const [name, rule] of rules) {
      if (!Object.hasOwn(kept, name)) continue;
      const value = kept[name];
      if (rule === 'drop' || key === undefined) delete kept[name];
      else
        kept[name] =
          `hmac:${createHmac('sha256', key).update(JSON.stringify(value)).digest('hex').slice(0, 32)}`;
    }
    return kept;
  };
}
