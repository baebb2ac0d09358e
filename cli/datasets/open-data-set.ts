import { cifarIn, openCifar } from './cifar.ts';
import { openFolder } from './class-folders.ts';
import type { DataSet, DataSetKind } from './data-set.ts';
import { isTinyImageNet, openTinyImageNet } from './tiny-imagenet.ts';

/**
 * Opens the pictures in `source`, in the given layout or, without one, the detected layout. Throws 'config/invalid'.
 */
export async function openDataSet(source: string, kind?: DataSetKind): Promise<DataSet> {
  switch (kind ?? found(source)) {
    case 'cifar-10':
      return openCifar('cifar-10', source);
    case 'cifar-100':
      return openCifar('cifar-100', source);
    case 'tiny-imagenet':
      return openTinyImageNet(source);
    case 'folder':
      return openFolder(source);
  }
}

function found(source: string): DataSetKind {
  return cifarIn(source) ?? (isTinyImageNet(source) ? 'tiny-imagenet' : 'folder');
}
