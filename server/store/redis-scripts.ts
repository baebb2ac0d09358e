import { RECORD_FORMAT } from './record-cipher.ts';

/**
 * What the Redis store does to records, as Lua scripts: Redis runs each of them as one step that nothing can come
 * between, and replies when its writes are in the append-only file (`appendfsync always`).
 *
 * A record is a hash, with the format of what is sealed in it: those of another one are refused, and go when they expire. Beside it: `held:IDENTITY`, unspent bundles by expiry; `expiry`, all records by expiry; `busy`,
 * bundles in preparing or spending; `server:ID`, the lease of a living server; `usage:IDENTITY`, inferences and preparations; `forget`,
 * identities whose usage does not stay, by when it goes. All names begin with PREFIX, whose braces keep them on one node
 * of a cluster.
 */
export const PREFIX = '{sphynx}:';

/** Lua: what the scripts have in common. Numbers become text by \`whole\`: Lua's own way rounds times to 14 digits. */
const COMMON = `
  local function whole(number) return string.format('%.0f', number) end
  local function clock()
    if GIVEN ~= '' then return tonumber(GIVEN) end
    local time = redis.call('TIME')
    return time[1] * 1000 + math.floor(time[2] / 1000)
  end
  local function release(id)
    local identity = redis.call('HGET', P .. 'bundle:' .. id, 'identity')
    if identity then redis.call('ZREM', P .. 'held:' .. identity, id) end
  end
  local function burn(id)
    release(id)
    redis.call('HDEL', P .. 'bundle:' .. id, 'secrets', 'seed', 'owner')
    redis.call('HSET', P .. 'bundle:' .. id, 'state', 'spent')
    redis.call('SREM', P .. 'busy', id)
  end
  local function usage(identity, hour, now)
    local used = redis.call('HMGET', P .. 'usage:' .. identity, 'hour_began', 'in_hour', 'total', 'begun_in_hour',
      'begun_total')
    local began = tonumber(used[1] or now)
    local runs = now >= began and now < began + hour
    local u = { began = runs and began or now, total = tonumber(used[3] or 0), begun_total = tonumber(used[5] or 0) }
    u.in_hour = runs and tonumber(used[2] or 0) or 0
    u.begun_in_hour = runs and tonumber(used[4] or 0) or 0
    u.ends = u.began + hour
    return u
  end
  local function exhausted(u, now, per_hour, in_all)
    if u.total >= tonumber(in_all) then return {'total', '0'} end
    if u.in_hour >= tonumber(per_hour) then return {'hour', whole(u.ends - now)} end
    return nil
  end
  local function use(identity, u, anonymous, expiry)
    redis.call('HSET', P .. 'usage:' .. identity, 'hour_began', whole(u.began), 'in_hour', u.in_hour, 'total', u.total,
      'begun_in_hour', u.begun_in_hour, 'begun_total', u.begun_total)
    if anonymous == '1' then redis.call('ZADD', P .. 'forget', whole(math.max(u.ends, expiry)), identity) end
  end
  local function state(id) return redis.call('HGET', P .. 'bundle:' .. id, 'state') end
`;

const BODIES = {
  /**
   * id, client, identity, model, model hash, plan hash, sealed secrets, lifetime, owner, bundles held at most, preparations
   * per hour, in total, ms of an hour, 1 for an anonymous identity, inferences per hour, in total ->
   * ['created', expiry], ['full', '0'], or [refusal,
   * ms until the hour ends]
   */
  create: `
    local id, identity, now = ARGV[1], ARGV[3], clock()
    local expiry = whole(now + tonumber(ARGV[8]))
    local u = usage(identity, tonumber(ARGV[13]), now)
    local useless = exhausted(u, now, ARGV[15], ARGV[16])
    if useless then return useless end
    if u.begun_total >= tonumber(ARGV[12]) then return {'begunTotal', '0'} end
    if u.begun_in_hour >= tonumber(ARGV[11]) then return {'begunHour', whole(u.ends - now)} end
    local held = P .. 'held:' .. identity
    redis.call('ZREMRANGEBYSCORE', held, '-inf', whole(now))
    if redis.call('ZCARD', held) >= tonumber(ARGV[10]) then return {'full', '0'} end
    redis.call('HSET', P .. 'bundle:' .. id, 'client', ARGV[2], 'identity', identity, 'model', ARGV[4],
      'model_hash', ARGV[5], 'plan_hash', ARGV[6], 'secrets', ARGV[7], 'expires_at', expiry, 'owner', ARGV[9],
      'state', 'preparing', 'format', FORMAT)
    redis.call('ZADD', held, expiry, id)
    redis.call('ZADD', P .. 'expiry', expiry, id)
    redis.call('SADD', P .. 'busy', id)
    u.begun_in_hour, u.begun_total = u.begun_in_hour + 1, u.begun_total + 1
    use(identity, u, ARGV[14], tonumber(expiry))
    return {'created', expiry}`,
  /** identity, ms of an hour -> bundles held, when the hour began, in it, in all, begun in it, begun in all, now */
  standing: `
    local now = clock()
    local u = usage(ARGV[1], tonumber(ARGV[2]), now)
    local held = redis.call('ZCOUNT', P .. 'held:' .. ARGV[1], '(' .. whole(now), '+inf')
    return {held, whole(u.began), u.in_hour, u.total, u.begun_in_hour, u.begun_total, whole(now)}`,
  /** id -> 1 or 0 */
  markReady: `
    local bundle = P .. 'bundle:' .. ARGV[1]
    local expiry = redis.call('HGET', bundle, 'expires_at')
    if state(ARGV[1]) ~= 'preparing' or tonumber(expiry) <= clock() then return 0 end
    redis.call('HSET', bundle, 'state', 'ready')
    redis.call('HDEL', bundle, 'owner')
    redis.call('SREM', P .. 'busy', ARGV[1])
    return 1`,
  /** id */
  abandon: `
    if state(ARGV[1]) ~= 'preparing' then return 0 end
    release(ARGV[1])
    redis.call('DEL', P .. 'bundle:' .. ARGV[1])
    redis.call('ZREM', P .. 'expiry', ARGV[1])
    redis.call('SREM', P .. 'busy', ARGV[1])
    return 1`,
  /** client, ids... -> number */
  discard: `
    local burned = 0
    for i = 2, #ARGV do
      local id = ARGV[i]
      local now = state(id)
      if (now == 'ready' or now == 'preparing') and redis.call('HGET', P .. 'bundle:' .. id, 'client') == ARGV[1] then
        burn(id)
        burned = burned + 1
      end
    end
    return burned`,
  /**
   * id, client, identity, model, model hash, plan hash, owner, inferences per hour, in total, ms of an hour, ids of
   * the keys that open, 1 for an anonymous identity -> ['secrets', sealed], ['key', id of the missing key], or [refusal,
   * ms until the hour ends]. The same questions in the same order as with SQLite.
   */
  spend: `
    local id, now = ARGV[1], clock()
    local bundle = P .. 'bundle:' .. id
    local record = redis.call('HMGET', bundle, 'client', 'state', 'model', 'model_hash', 'plan_hash', 'expires_at',
      'secrets', 'format')
    if record[1] ~= ARGV[2] or record[2] == 'preparing' then return {'unknown', '0'} end
    if record[2] ~= 'ready' then return {'spent', '0'} end
    if record[8] ~= FORMAT then return {'format', '0'} end
    if record[3] ~= ARGV[4] or record[4] ~= ARGV[5] or record[5] ~= ARGV[6] then return {'mismatch', '0'} end
    if tonumber(record[6]) <= now then return {'expired', '0'} end
    local u = usage(ARGV[3], tonumber(ARGV[10]), now)
    local refused = exhausted(u, now, ARGV[8], ARGV[9])
    if refused then return refused end
    local key = string.match(record[7], '^[^:]*')
    if not string.find(ARGV[11], key, 1, true) then return {'key', key} end
    redis.call('HSET', bundle, 'state', 'spending', 'owner', ARGV[7])
    redis.call('HDEL', bundle, 'secrets')
    release(id)
    redis.call('SADD', P .. 'busy', id)
    u.in_hour, u.total = u.in_hour + 1, u.total + 1
    use(ARGV[3], u, ARGV[12], tonumber(record[6]))
    return {'secrets', record[7]}`,
  /** id */
  markSpent: `
    if state(ARGV[1]) ~= 'spending' then return 0 end
    burn(ARGV[1])
    return 1`,
  /** id: a bundle whose spending has an unknown outcome */
  burnDoubtful: `
    local now = state(ARGV[1])
    if now ~= 'spending' and now ~= 'ready' then return 0 end
    burn(ARGV[1])
    return 1`,
  /** -> number of bundles whose server has no lease any more */
  burnLeftovers: `
    local burned = 0
    for _, id in ipairs(redis.call('SMEMBERS', P .. 'busy')) do
      local owner = redis.call('HGET', P .. 'bundle:' .. id, 'owner')
      if not owner then
        redis.call('SREM', P .. 'busy', id)
      elseif redis.call('EXISTS', P .. 'server:' .. owner) == 0 then
        burn(id)
        burned = burned + 1
      end
    end
    return burned`,
  /** most of them at once -> number of records */
  sweep: `
    local now = whole(clock())
    for _, identity in ipairs(redis.call('ZRANGEBYSCORE', P .. 'forget', '-inf', now, 'LIMIT', 0, ARGV[1])) do
      redis.call('DEL', P .. 'usage:' .. identity)
      redis.call('ZREM', P .. 'forget', identity)
    end
    local ids = redis.call('ZRANGEBYSCORE', P .. 'expiry', '-inf', now, 'LIMIT', 0, ARGV[1])
    for _, id in ipairs(ids) do
      release(id)
      redis.call('DEL', P .. 'bundle:' .. id)
      redis.call('ZREM', P .. 'expiry', id)
      redis.call('SREM', P .. 'busy', id)
    end
    return #ids`,
  /** offset, number of records -> their states */
  states: `
    local states = {}
    local last = tonumber(ARGV[1]) + tonumber(ARGV[2]) - 1
    for _, id in ipairs(redis.call('ZRANGE', P .. 'expiry', ARGV[1], last)) do
      states[#states + 1] = state(id) or 'spent'
    end
    return states`,
};

export type ScriptName = keyof typeof BODIES;

/** Arguments stand in ARGV, in the order that the comments give, and behind them a test's time or ''. */
export const SCRIPTS = Object.fromEntries(
  Object.entries(BODIES).map(([name, body]) => [
    name,
    `local P, FORMAT, GIVEN = KEYS[1], '${RECORD_FORMAT}', table.remove(ARGV)\n${COMMON}\n${body}`,
  ]),
) as Record<ScriptName, string>;
