import { isJsonObject } from '../kernel/json.ts';
import { type ConfigPath, pathText } from './config-path.ts';
import { type ConfigNode, configTree } from './describe-config.ts';

export type ConfigSource = 'default' | 'file' | 'env' | 'flag';

/** One place that settings come from. Later layers win. */
export interface ConfigLayer {
  readonly source: Exclude<ConfigSource, 'default'>;
  readonly values: unknown;
}

export interface MergedLayers {
  /** Not validated. Its objects have no prototype. */
  readonly values: Record<string, unknown>;
  /** By the text of the path, for every leaf that a layer set. */
  readonly sources: Map<string, ConfigSource>;
}

/** An object without a prototype, so that a key named `__proto__` is a key like any other. */
export function bareObject(): Record<string, unknown> {
  return Object.create(null) as Record<string, unknown>;
}

interface Contribution {
  readonly source: ConfigSource;
  readonly value: unknown;
}

/**
 * Sections are merged key by key; an option is taken from the last layer that has it, and a record
 * (`endpoints`) is taken whole, so that no entry is glued together from two places.
 */
export function mergeLayers(layers: readonly ConfigLayer[]): MergedLayers {
  const sources = new Map<string, ConfigSource>();

  function mergeNode(
    node: ConfigNode | undefined,
    path: ConfigPath,
    given: readonly Contribution[],
  ): unknown {
    const last = given.at(-1);
    if (last === undefined) return undefined;
    if (node?.kind !== 'section')
      return copyLeaves(path, last.value ?? (node?.kind === 'record' ? {} : null), last.source);
    const wrong = given.find(({ value }) => value !== null && !isJsonObject(value));
    if (wrong !== undefined) return copyLeaves(path, wrong.value, wrong.source);
    const merged = bareObject();
    const objects = given.filter(({ value }) => value !== null) as { source: ConfigSource; value: object }[];
    for (const key of new Set(objects.flatMap(({ value }) => Object.keys(value)))) {
      const below = objects
        .filter(({ value }) => Object.hasOwn(value, key))
        .map(({ source, value }) => ({ source, value: Reflect.get(value, key) as unknown }))
        .filter(({ value }) => value !== undefined);
      const kept = mergeNode(node.children.get(key), [...path, key], below);
      if (kept !== undefined) merged[key] = kept;
    }
    return node.optional && Object.keys(merged).length === 0 ? undefined : merged;
  }

  function copyLeaves(path: ConfigPath, value: unknown, source: ConfigSource): unknown {
    if (!isJsonObject(value)) {
      sources.set(pathText(path), source);
      return value;
    }
    const copy = bareObject();
    for (const key of Object.keys(value))
      copy[key] = copyLeaves([...path, key], Reflect.get(value, key), source);
    return copy;
  }

  const given = layers.map(({ source, values }) => ({ source, value: values ?? null }));
  return { values: (mergeNode(configTree, [], given) ?? bareObject()) as Record<string, unknown>, sources };
}
