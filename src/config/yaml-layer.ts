import {
  type CST,
  isAlias,
  isMap,
  isScalar,
  LineCounter,
  type Node,
  type Pair,
  Parser,
  parseDocument,
  type YAMLMap,
} from 'yaml';
import { messageOf } from '../kernel/errors.ts';
import { isJsonObject, jsonTypeOf } from '../kernel/json.ts';
import type { ConfigPath } from './config-path.ts';

const MOST_BYTES = 1024 * 1024;
/** How often anchored values may be repeated in all: a file of aliases to aliases stays small. */
const MOST_ALIASES = 100;

/** Composing a document recurses, and a stack overflow inside a regular expression ends the whole process. */
const MOST_LEVELS = 32;

export interface YamlLayer {
  /** An empty object when the text could not be read. */
  readonly values: object;
  /** Each names its line. */
  readonly problems: readonly string[];
  /** The 1-based line of a key, or of its nearest section that the file has. */
  lineOf(path: ConfigPath): number | undefined;
}

/** Reads YAML 1.2: duplicate keys, unknown tags, several documents and more than 1 MiB are problems. */
export function readYaml(text: string): YamlLayer {
  const unreadable = (problem: string): YamlLayer => ({
    values: {},
    problems: [problem],
    lineOf: () => undefined,
  });
  if (Buffer.byteLength(text) > MOST_BYTES) return unreadable('the file is larger than 1 MiB');
  const lines = new LineCounter();
  try {
    if (isTooDeep(text)) return unreadable(`the file is nested more than ${MOST_LEVELS} levels deep`);
    const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, stringKeys: true });
    const problems = [...document.errors, ...document.warnings].map(
      ({ message, pos }) => `line ${lines.linePos(pos[0]).line}: ${message}`,
    );
    if (problems.length > 0) return { values: {}, problems, lineOf: () => undefined };
    const values: unknown = document.toJS({ maxAliasCount: MOST_ALIASES });
    if (values !== null && values !== undefined && !isJsonObject(values)) {
      return unreadable(`line 1: the file must hold keys and values, not ${jsonTypeOf(values)}`);
    }
    const root = document.contents;
    return {
      values: (values ?? {}) as object,
      problems,
      lineOf: (path) => {
        const offset = offsetOf(root, path, (node) => (isAlias(node) ? node.resolve(document) : node));
        return offset === undefined ? undefined : lines.linePos(offset).line;
      },
    };
  } catch (thrown) {
    return unreadable(messageOf(thrown).split('\n', 1)[0] ?? '');
  }
}

function offsetOf(root: unknown, path: ConfigPath, resolve: (node: unknown) => unknown): number | undefined {
  let node = root;
  let offset: number | undefined;
  for (const segment of path) {
    const map = resolve(node);
    if (!isMap(map)) break;
    const pair = (map as YAMLMap<Node, Node>).items.find((item: Pair<Node, Node | null>) => {
      return isScalar(item.key) && String(item.key.value) === segment;
    });
    if (pair === undefined) break;
    offset = pair.key.range?.[0] ?? offset;
    node = pair.value;
  }
  return offset;
}

function isTooDeep(text: string): boolean {
  let level: (CST.Token | null | undefined)[] = [...new Parser().parse(text)];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > MOST_LEVELS) return true;
    level = level.flatMap((token) => {
      if (token?.type === 'document') return [token.value];
      if (token == null || !('items' in token)) return [];
      return token.items.flatMap(({ key, value }) => [key, value]);
    });
  }
  return false;
}
