/** Writes the API reference, docs/api, from the docstrings of what the package exports: `npm run docs:api` */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { Application, type ProjectReflection, ReflectionKind, type TypeDocOptions } from 'typedoc';
import type { PluginOptions } from 'typedoc-plugin-markdown';

const ROOT = join(import.meta.dirname, '..');
const entry = (path: string) => join(ROOT, path);

const OPTIONS: TypeDocOptions & Partial<PluginOptions> = {
  name: 'sphynx-pi',
  plugin: ['typedoc-plugin-markdown'],
  entryPoints: ['client/index.ts', 'server/index.ts', 'browser/index.ts'].map(entry),
  basePath: ROOT,
  tsconfig: entry('tsconfig.json'),
  // `npm run check` checks the types with the project's own compiler.
  skipErrorChecking: true,
  // One page for each entry.
  router: 'module',
  readme: 'none',
  // Line numbers and commits would change the pages with every edit.
  disableSources: true,
  disableGit: true,
  excludeExternals: true,
  excludeInternal: true,
  excludePrivate: true,
  // A type that is used but not exported, or that has no docstring, fails the run.
  treatWarningsAsErrors: true,
  // Omits the summary list of names, which readers of the reference do not need.
  intentionallyNotExported: ['SEGMENT_KINDS'],
  validation: { notExported: true, invalidLink: true, invalidPath: true, notDocumented: true },
  hidePageHeader: true,
  hideBreadcrumbs: true,
  useCodeBlocks: true,
  parametersFormat: 'table',
  interfacePropertiesFormat: 'table',
  classPropertiesFormat: 'table',
  typeAliasPropertiesFormat: 'table',
  propertyMembersFormat: 'table',
  typeDeclarationFormat: 'table',
  logLevel: 'Warn',
};

/** Names destructured option objects as in the text. */
function nameOptions(project: ProjectReflection): void {
  for (const parameter of project.getReflectionsByKind(ReflectionKind.Parameter))
    if (parameter.name === '__namedParameters') parameter.name = 'options';
}

/** Writes the pages into `folder`, in place of what is there. Throws if a docstring is missing or a link leads nowhere. */
export async function writeApi(folder: string): Promise<void> {
  const outputs = [{ name: 'markdown', path: folder }];
  const application = await Application.bootstrapWithPlugins({ ...OPTIONS, outputs });
  const project = await application.convert();
  if (project === undefined) throw new Error('the sources cannot be read');
  nameOptions(project);
  application.validate(project);
  if (application.logger.hasErrors() || application.logger.hasWarnings())
    throw new Error('complete the docstrings named above');
  rmSync(folder, { recursive: true, force: true });
  await application.generateOutputs(project);
  if (application.logger.hasErrors()) throw new Error('the pages could not be written');
}

if (import.meta.main) await writeApi(join(ROOT, 'docs', 'api'));
