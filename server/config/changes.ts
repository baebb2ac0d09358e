import { FIXED_LIMITS } from '../limits.ts';
import { fieldsOf, isTree } from './layers.ts';
import type { EffectiveConfig } from './load-config.ts';
import { SCHEMA } from './schema.ts';

/** Fields outside of `limits` that a running server takes over. None of them holds a secret. */
const LIVE = ['models', 'drainSeconds', 'graceSeconds', 'log.level'];

/** Whether a running server takes the field over when its configuration is reloaded. */
export function isLive(path: string): boolean {
  const [section, name] = path.split('.');
  return LIVE.includes(path) || (section === 'limits' && !FIXED_LIMITS.includes(name));
}

/** The fields that hold other values in `after`, with these values. */
export function changedFields(before: EffectiveConfig, after: EffectiveConfig): Map<string, unknown> {
  const changed = fieldsOf(SCHEMA)
    .map(([path]): [string, unknown, unknown] => [path, valueAt(before, path), valueAt(after, path)])
    .filter(([, old, value]) => JSON.stringify(old) !== JSON.stringify(value));
  return new Map(changed.map(([path, , value]) => [path, value]));
}

function valueAt(config: EffectiveConfig, path: string): unknown {
  return path.split('.').reduce<unknown>((part, name) => (isTree(part) ? part[name] : undefined), config);
}
