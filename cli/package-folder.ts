import { existsSync } from 'node:fs';
import { join } from 'node:path';

/** The package's own folder, where the .proto files are: above the sources, and above `dist` once compiled. */
export const PACKAGE_FOLDER = [join(import.meta.dirname, '..'), join(import.meta.dirname, '..', '..')].find(
  (folder) => existsSync(join(folder, 'proto')),
) as string;

/** The bundled model. */
export const DEFAULT_MODEL = join(PACKAGE_FOLDER, 'model-zoo', 'sphynx-c100-25k');
