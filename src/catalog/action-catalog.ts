import type { Packager } from '../action/packager.ts';
import { bytesOf } from './action-bytes.ts';
import type { ActionFiles } from './action-files.ts';
import { type ActionRecord, recordOf } from './action-record.ts';
import { Catalog, keyOf } from './catalog.ts';
import { parseStoredAction, printStoredAction } from './stored-action.ts';

/** The actions of all namespaces, in memory, and in files if it was opened on such. */
export class ActionCatalog extends Catalog<ActionRecord> {
  readonly #packager: Packager;

  constructor(packager: Packager, files?: ActionFiles) {
    const { images } = packager;
    super({
      bytesOf,
      hold: ({ action: { code } }) => (images.has(code) ? images.use(code) : undefined),
      save: (record) => files?.write(keyOf(record), printStoredAction(record)),
      erase: (key) => files?.remove(key),
    });
    this.#packager = packager;
  }

  /**
   * With the actions that a catalogue before has left.
   * @param onBad hears of files that hold no action of this node; they stay where they are
   */
  static async open(
    packager: Packager,
    files: ActionFiles,
    onBad: (path: string, reason: string) => void,
  ): Promise<ActionCatalog> {
    const catalog = new ActionCatalog(packager, files);
    await files.readAll(async (json) => {
      const { fields, image } = parseStoredAction(json);
      const packed = await packager.repack(fields.exec, image, keyOf(fields));
      catalog.add(recordOf(fields, packed, packager));
    }, onBad);
    await packager.images.sweep();
    return catalog;
  }

  /** Keeps what an invocation of it needs, whatever becomes of the action. Returns what ends that. */
  use({ action }: ActionRecord): () => void {
    return this.#packager.images.use(action.code);
  }
}
