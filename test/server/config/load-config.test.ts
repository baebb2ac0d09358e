import assert from 'node:assert/strict';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { parse, stringify } from 'yaml';
import { fieldsOf, shown, variableOf } from '../../../server/config/layers.ts';
import { loadConfig } from '../../../server/config/load-config.ts';
import { DEFAULTS, SCHEMA } from '../../../server/config/schema.ts';
import { DEFAULT_LIMITS } from '../../../server/index.ts';
import { fileOf } from '../../support/keys.ts';

const problems = (content: string): string[] => {
  try {
    loadConfig({ file: fileOf(content) });
  } catch (error) {
    const { code, message } = error as Error & { code: string };
    assert.equal(code, 'config/invalid');
    return message.split('\n').map((line) => line.trim());
  }
  return [];
};

test('fields that are not given have their defaults', () => {
  assert.deepEqual(loadConfig({}), DEFAULTS);
  for (const empty of ['', '{}', 'limits:\nidentity:\n', '# nothing\n'])
    assert.deepEqual(loadConfig({ file: fileOf(empty) }), DEFAULTS);
});

test('options count before settings, these before the environment, and the file comes last', () => {
  const file = fileOf('limits: { sessions: 2, inferences: 2, bundlesPerClient: 2, bundlesPerStream: 2 }');
  const environment = {
    SPHYNX_SERVE_LIMITS_INFERENCES: '3',
    SPHYNX_SERVE_LIMITS_BUNDLES_PER_CLIENT: '3',
    SPHYNX_SERVE_LIMITS_BUNDLES_PER_STREAM: '3',
    SPHYNX_SERVER: 'a variable of the client',
  };
  const settings = ['limits.bundlesPerClient=4', 'limits.bundlesPerStream=4'];
  const options = { limits: { bundlesPerStream: 5 }, listen: undefined, tls: { certificate: undefined } };
  const config = loadConfig({ file, environment, settings, options });
  const { sessions, inferences, bundlesPerClient, bundlesPerStream, idleMs } = config.limits;
  assert.deepEqual([sessions, inferences, bundlesPerClient, bundlesPerStream], [2, 3, 4, 5]);
  assert.equal(idleMs, DEFAULT_LIMITS.idleMs);
  assert.equal(config.tls, undefined, 'no option of TLS was given');
});

test('JSON is read as YAML is, and paths start at the folder of the file', () => {
  const content = { models: ['nets/a', '/b'], tls: { certificate: 'c.pem', key: 'k.pem' } };
  for (const written of [JSON.stringify(content), stringify(content)]) {
    const file = fileOf(written);
    const { models, tls } = loadConfig({ file });
    assert.deepEqual(models, [join(dirname(file), 'nets/a'), '/b']);
    assert.equal(tls?.key, join(dirname(file), 'k.pem'));
  }
  const { models } = loadConfig({ settings: ['models=x,y'] });
  assert.deepEqual(models, [join(process.cwd(), 'x'), join(process.cwd(), 'y')]);
});

test('a model may have an output of its own, and nothing else', () => {
  const written = 'models: [a, { path: b, output: label }, { path: c }]';
  const file = fileOf(written);
  const at = (name: string) => join(dirname(file), name);
  assert.deepEqual(loadConfig({ file }).models, [at('a'), { path: at('b'), output: 'label' }, at('c')]);
  for (const [entry, problem] of [
    ['{ path: b, output: top-1 }', /models: expected what clients learn/],
    ['{ path: b, ouput: label }', /models: .*"ouput"/],
    ['{ output: label }', /models: expected a path/],
    ['7', /models: expected a path, got 7/],
  ] as const)
    assert.match(problems(`models: [a, ${entry}]`).join(), problem);
});

test('all wrong fields are named at once, each with its path', () => {
  const [headline, ...found] = problems(`
    listen: nowhere
    model: x
    models: []
    setting: quick
    output: top-1
    insecure: yes
    tls: { certificate: 7, cliantCa: x, clientCertificates: sometimes }
    identity: { jwt: { algorithms: [HS256] }, Tokens: t }
    limits: { sessions: 0, idleMs: 0.5, speed: 9, inferences: "3" }
    log: loud
  `);
  assert.match(headline, /cannot be used:$/);
  const paths = found.map((line) => line.slice(0, line.indexOf(':')));
  const expected = [
    ...['listen', 'model', 'models', 'setting', 'output', 'insecure'],
    ...['tls.certificate', 'tls.cliantCa', 'tls.clientCertificates'],
    ...['identity.jwt.algorithms', 'identity.Tokens'],
    ...['limits.sessions', 'limits.idleMs', 'limits.speed', 'limits.inferences', 'log'],
  ];
  for (const path of expected) assert.ok(paths.includes(path), `${path} in ${found.join('\n')}`);
  assert.match(found.find((line) => line.startsWith('identity.Tokens')) as string, /do you mean tokens/);
});

test('fields that require each other are distinguished from wrong ones', () => {
  assert.match(problems('tls: { certificate: c }').join(), /tls\.key/);
  assert.match(
    problems('tls: { certificate: c, key: k, clientCertificates: optional }').join(),
    /tls\.clientCa/,
  );
  assert.match(problems('identity: { jwt: { jwksFile: k } }').join(), /jwt\.issuer.*jwt\.audience/);
  assert.match(problems('identity: { jwt: { issuer: i, audience: a } }').join(), /one source of keys/);
});

test('invalid YAML, a duplicate key and an alias bomb are refused', () => {
  assert.match(problems('a: [').join(), /not YAML or JSON/);
  assert.match(problems('listen: 127.0.0.1:1\nlisten: 127.0.0.1:2').join(), /unique/);
  assert.match(problems('[1]').join(), /expected fields/);
  const bomb = [
    'a: &a [x, x]',
    ...'bcdefgh'.split('').map((name, i) => `${name}: &${name} [${`*${'abcdefg'[i]},`.repeat(9)}]`),
  ];
  assert.ok(problems(bomb.join('\n')).length > 0);
  assert.throws(() => loadConfig({ file: '/nowhere.yaml' }), { code: 'config/invalid', message: /nowhere/ });
});

test('a variable or setting that names no field is refused, and its value is not repeated', () => {
  for (const source of [
    { environment: { SPHYNX_SERVE_LIMIT_SESSIONS: 'hush' } },
    { settings: ['limits.session=hush'] },
    { settings: ['limits=hush'] },
    { settings: ['__proto__.x=hush'] },
  ])
    assert.throws(
      () => loadConfig(source),
      (error: Error) => /no such field/.test(error.message) && !error.message.includes('hush'),
    );
});

test('every field can be set by a variable of its own', () => {
  const paths = fieldsOf(SCHEMA).map(([path]) => path);
  assert.equal(new Set(paths.map(variableOf)).size, paths.length);
  assert.equal(variableOf('limits.bundlesPerClient'), 'SPHYNX_SERVE_LIMITS_BUNDLES_PER_CLIENT');
  for (const name of Object.keys(DEFAULT_LIMITS)) assert.ok(paths.includes(`limits.${name}`));
});

test('any file is either refused with a SphynxError or valid', () => {
  const names = fieldsOf(SCHEMA).flatMap(([path]) => path.split('.'));
  const key = fc.oneof(fc.constantFrom(...names), fc.string());
  const { tree } = fc.letrec((tie) => ({
    tree: fc.oneof(
      { depthSize: 'small' },
      fc.jsonValue({ maxDepth: 1 }),
      fc.dictionary(key, tie('tree'), { maxKeys: 4 }),
      fc.array(tie('tree'), { maxLength: 3 }),
    ),
  }));
  fc.assert(
    fc.property(tree, (content) => {
      problems(JSON.stringify(content));
    }),
    { numRuns: 200 },
  );
});

test('a password in the URL of Redis is neither printed nor repeated in errors', () => {
  const config = loadConfig({ settings: ['store.redis=redis://user:hush@localhost:6379/1?password=hush'] });
  assert.equal(config.store?.redis, 'redis://user:hush@localhost:6379/1?password=hush');
  const visible = JSON.stringify(shown(SCHEMA, config));
  assert.match(visible, /redis:\/\/user:\*\*\*@localhost:6379\/1/);
  assert.ok(!visible.includes('hush'));
  for (const url of ['http://:hush@localhost', 'hush'])
    assert.ok(
      !problems(JSON.stringify({ store: { redis: url } }))
        .join()
        .includes('hush'),
    );
  assert.match(problems('store: { redisReplicas: 1 }').join(), /store\.redis/);
});

test('the printed configuration reads back as the effective one', () => {
  const file = fileOf('listen: "[::1]:7"\nmodels: [a]\nlimits: { sessions: 3 }\nidentity: { tokens: t }');
  const config = loadConfig({ file });
  assert.deepEqual(loadConfig({ file: fileOf(stringify(config)) }), config);
  assert.deepEqual(parse(stringify(config)), config);
});
