import { FIXED_LIMITS } from '../limits.ts';
import { fieldsOf, isTree } from './layers.ts';
import type { EffectiveConfig } from './load-config.ts';
import { SCHEMA } from './schema.ts';

/** Fields outside of `limits` that can be changed while the server runs. None of them holds a secret. */
const LIVE = ['models', 'drainSeconds', 'graceSeconds', 'log.level'];

/** Whether reloading the configuration of a running server applies the field. */
export function isLive(path: string): boolean {
  const [section, name] = path.split('.');
  return LIVE.includes(path) || (section === 'limits' && !FIXED_LIMITS.includes(name));
}

/** Returns the fields whose values differ in `after`, with the new values. */
export function changedFields(before: EffectiveConfig, after: EffectiveConfig): Map<string, unknown> {
  const changed = fieldsOf(SCHEMA)
    .map(([path]): [string, unknown, unknown] => [path, valueAt(before, path), valueAt(after, path)])
    .filter(([, old, value]) => JSON.stringify(old) !== JSON.stringify(value));
  return new Map(changed.map(([path, , value]) => [path, value]));
}

function valueAt(config: EffectiveConfig, path: string): unknown {
  return path.split('.').reduce<unknown>((part, name) => (isTree(part) ? part[name] : undefined), config);
}
