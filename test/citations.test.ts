/** Code and pages cite sections of our own pages: every one of these citations leads somewhere. */
import assert from 'node:assert/strict';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { test } from 'node:test';

const ROOT = join(import.meta.dirname, '..');
const SOURCES = ['**/*.ts', '**/*.py', '**/*.md', '**/*.proto', '**/*.yaml'];
const ELSEWHERE = /(^|\/)(node_modules|dist|build|\.venv|api)(\/|$)/;
const sources = globSync(SOURCES, { cwd: ROOT, exclude: (path) => ELSEWHERE.test(path) });
const pages = sources.filter((path) => path.endsWith('.md'));

const textOf = (path: string) => readFileSync(join(ROOT, path), 'utf8');

/** The text of a comment that runs over several lines, as one. */
const joined = (text: string) => text.replace(/\n\s*(\*|\/\/|#)? ?/g, ' ');

const headings = (page: string) => [...textOf(page).matchAll(/^#+ (.+)$/gm)].map((match) => match[1]);

/** The anchor that GitHub gives a heading. */
const anchor = (heading: string) =>
  heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-');

test('a page that is named exists', () => {
  const missing = sources.flatMap((path) =>
    [...textOf(path).matchAll(/\bdocs\/[a-z/-]+\.md/g)]
      .filter(([page]) => !existsSync(join(ROOT, page)))
      .map(([page]) => `${path}: ${page}`),
  );
  assert.deepEqual(missing, []);
});

test('a section that is cited exists, and is cited by its number', () => {
  const cited = sources.flatMap((path) =>
    [...joined(textOf(path)).matchAll(/(\S*\.md),? (?:sections? ([\d.]*\d)|"([^"]+)")/g)].map(
      ([citation, page, number]) => ({ path, citation, page, number }),
    ),
  );
  assert.ok(cited.length > 15, `${cited.length} citations`);
  const wrong = cited.filter(({ page, number }) => {
    const name = page.replace(/^\(/, '');
    return (
      number === undefined ||
      !name.startsWith('docs/') ||
      !existsSync(join(ROOT, name)) ||
      !headings(name).some((heading) => heading.startsWith(`${number}. `) || heading.startsWith(`${number} `))
    );
  });
  assert.deepEqual(
    wrong.map(({ path, citation }) => `${path}: ${citation}`),
    [],
  );
});

test('a link to a heading leads to one', () => {
  const links = pages.flatMap((path) =>
    [...textOf(path).matchAll(/\]\(([^)\s#:]*)#([^)\s]+)\)/g)].map(([, target, name]) => ({
      path,
      target,
      name,
    })),
  );
  assert.ok(links.length > 5, `${links.length} links`);
  const broken = links.filter(({ path, target, name }) => {
    const page = target === '' ? path : normalize(join(dirname(path), target));
    return page.endsWith('.md') && !headings(page).some((heading) => anchor(heading) === name);
  });
  assert.deepEqual(
    broken.map(({ path, target, name }) => `${path}: ${target}#${name}`),
    [],
  );
});

test('no file holds the marks of an unfinished merge', () => {
  const marked = sources.filter((path) => /^(<{7}|>{7}) /m.test(textOf(path)));
  assert.deepEqual(marked, []);
});
