import { CatalogError } from './catalog-error.ts';
import { Quota } from './quota.ts';

/** Something with a name in a namespace. It never changes itself: a change puts another in its place. */
export interface Entity {
  readonly namespace: string;
  readonly name: string;
  /** Milliseconds since the epoch. */
  readonly updated: number;
}

/** What a catalogue has to know of its kind of entity. */
interface EntityKind<E extends Entity> {
  /** What counts of one towards the quota. */
  bytesOf(entity: E): number;
  /** Keeps what it needs beside itself. Returns what ends that; undefined if that has gone meanwhile. */
  hold(entity: E): (() => void) | undefined;
  /** Makes it outlast the process, if anything does. */
  save(entity: E): Promise<void> | undefined;
  erase(key: string): Promise<void> | undefined;
}

interface Entry<E> {
  readonly entity: E;
  /** Ends its hold on what it needs. */
  readonly giveUp: () => void;
}

/** `namespace/name`. */
export function keyOf({ namespace, name }: Pick<Entity, 'namespace' | 'name'>): string {
  return `${namespace}/${name}`;
}

/**
 * Entities of one kind, of all namespaces, in memory. A change counts once it is saved; until then
 * everybody sees what was there before.
 */
export class Catalog<E extends Entity> {
  readonly #entries = new Map<string, Entry<E>>();
  readonly #kind: EntityKind<E>;
  readonly #quota = new Quota();
  /** Keys of entities whose change is on its way to the disk. */
  readonly #changing = new Set<string>();

  constructor(kind: EntityKind<E>) {
    this.#kind = kind;
  }

  get size(): number {
    return this.#entries.size;
  }

  find(namespace: string, name: string): E | undefined {
    return this.#entries.get(keyOf({ namespace, name }))?.entity;
  }

  /** @throws CatalogError `unknown_entity` */
  get(namespace: string, name: string): E {
    return this.#entryOf(namespace, name).entity;
  }

  /** Newest first. */
  list(namespace: string): E[] {
    return Array.from(this.#entries.values(), ({ entity }) => entity)
      .filter((entity) => entity.namespace === namespace)
      .sort((a, b) => b.updated - a.updated);
  }

  /**
   * @param before what it takes the place of: undefined for nothing
   * @throws CatalogError `concurrent_change` when something else is there, or about to be; `catalog_full`;
   *   what saving it throws
   */
  async put(entity: E, before: E | undefined): Promise<void> {
    const key = keyOf(entity);
    if (this.#entries.get(key)?.entity !== before) throw changed(key);
    const { entry, undo } = this.#take(entity, before);
    try {
      await this.#change(key, () => this.#kind.save(entity));
    } catch (error) {
      undo();
      throw error;
    }
    this.#set(key, entry);
  }

  /**
   * Takes in one that is saved already, or is not to be, in place of what is there.
   * @throws CatalogError `catalog_full`
   */
  add(entity: E): void {
    const key = keyOf(entity);
    this.#set(key, this.#take(entity, this.#entries.get(key)?.entity).entry);
  }

  /** @throws CatalogError `unknown_entity`, `concurrent_change`; what erasing it throws */
  async delete(namespace: string, name: string): Promise<E> {
    const { entity, giveUp } = this.#entryOf(namespace, name);
    const key = keyOf(entity);
    await this.#change(key, () => this.#kind.erase(key));
    this.#entries.delete(key);
    giveUp();
    this.#quota.exchange(this.#kind.bytesOf(entity), undefined);
    return entity;
  }

  #entryOf(namespace: string, name: string): Entry<E> {
    const key = keyOf({ namespace, name });
    const entry = this.#entries.get(key);
    if (entry === undefined) throw new CatalogError('unknown_entity', `There is no ${key}.`);
    return entry;
  }

  /**
   * From here on the entity is counted in place of the one before, and what it needs is there as long
   * as it is.
   */
  #take(entity: E, before: E | undefined): { entry: Entry<E>; undo: () => void } {
    const giveUp = this.#kind.hold(entity);
    if (giveUp === undefined) throw changed(keyOf(entity));
    try {
      const bytesBefore = before === undefined ? undefined : this.#kind.bytesOf(before);
      const uncount = this.#quota.exchange(bytesBefore, this.#kind.bytesOf(entity));
      const undo = () => {
        uncount();
        giveUp();
      };
      return { entry: { entity, giveUp }, undo };
    } catch (error) {
      giveUp();
      throw error;
    }
  }

  #set(key: string, entry: Entry<E>): void {
    const before = this.#entries.get(key);
    this.#entries.set(key, entry);
    before?.giveUp();
  }

  /** One change of an entity at a time reaches the disk, so that the last one there is the last one here. */
  async #change(key: string, write: () => Promise<void> | undefined): Promise<void> {
    if (this.#changing.has(key)) throw changed(key);
    this.#changing.add(key);
    try {
      await write();
    } finally {
      this.#changing.delete(key);
    }
  }
}

function changed(key: string): CatalogError {
  return new CatalogError('concurrent_change', `${key} was changed meanwhile.`);
}
