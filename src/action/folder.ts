import { addFolder } from './add-folder.ts';
import { CodeTree } from './code-tree.ts';
import { addHoistedPackages } from './hoisted-packages.ts';

/**
 * The files of a folder. Version control and Python's caches are left out. npm packages
 * that a workspace hoisted out of the folder are brought in (see hoisted-packages.ts).
 */
export async function readFolder(dir: string): Promise<CodeTree> {
  const tree = new CodeTree(dir);
  await addFolder(tree, dir, '');
  await addHoistedPackages(tree, dir);
  return tree;
}
