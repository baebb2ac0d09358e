/** A redis-server of its own for a test file, gone with its data when the file is done. */
import { after } from 'node:test';
import { missingRedis, RedisServer } from '../support/redis-server.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

/** For `skip`: why there is no Redis to test against, or false. */
export const NO_REDIS = missingRedis() ?? false;

/** `settings`: of another durability than the one that servers ask for. */
export async function redisServer(settings?: readonly string[]): Promise<RedisServer> {
  const server = await RedisServer.start(temporaryFolder(), settings);
  after(() => server.kill());
  return server;
}
