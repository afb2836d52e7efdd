import { createHmac } from 'node:crypto';
import type { JsonObject, JsonValue } from '../../kernel/json.ts';

export type Redaction = 'drop' | 'hash';

/**
 * What of a row goes into the log. A hashed value is `hmac:` and the first 32 hexadecimal digits of HMAC-SHA-256 over
 * its JSON, so equal values stay equal and nobody without the key can try out zip codes.
 */
export function compileRedaction(
  fields: Readonly<Record<string, Redaction>>,
  key: string | undefined,
): (row: JsonObject) => JsonObject {
  const rules = Object.entries(fields);
  if (rules.length === 0) return (row) => row;
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
