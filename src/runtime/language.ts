import type { ImageEntry } from '../image/entries.ts';

/** A resolved kind: never `…:default`. */
export interface Kind {
  readonly name: string;
  readonly language: Language;
  readonly version: string;
}

/** What a language brings to the root image of a kind. */
export interface LanguageFiles {
  readonly entries: readonly ImageEntry[];
  /** Programs and modules of the host whose libraries the image needs too. */
  readonly programs: readonly string[];
}

/** How an interpreter is started, without what all interpreters have in common. */
export interface LanguageCommand {
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/**
 * All that the platform knows of a language: one object in `languages/` for each. Its driver is in
 * the folder of its name in `drivers/`.
 */
export interface Language {
  /** What comes before the colon in its kinds. */
  readonly name: string;
  readonly versions: readonly string[];
  /** What `NAME:default` and `NAME` stand for. */
  readonly defaultVersion: string;
  /** More names of versions: `3` for `3.11`. */
  readonly aliases: Readonly<Record<string, string>>;
  /** Endings of its source files. */
  readonly extensions: readonly string[];
  /** Files that a driver starts with: one of them is at the root of a folder or archive. */
  readonly roots: readonly string[];
  /** Name of a source without one: what the interpreter shows in its traces. */
  readonly sourceName: string;
  /** Libraries that its programs open by name at run time. */
  readonly dlopened: readonly string[];
  /** Whether its program is large enough for huge pages, and laid out for them. */
  readonly hugePages: boolean;
  /** Host path of the interpreter, or undefined when it is not installed. */
  find(kind: Kind): string | undefined;
  /**
   * Left out if only the system's package manager can bring an interpreter.
   * @throws PlatformError `runtime_install_failed`
   */
  install?(kind: Kind): Promise<void>;
  /** The command by which a user installs the interpreter. */
  remedy(kind: Kind): string;
  /** @throws PlatformError `runtime_missing` */
  files(kind: Kind): Promise<LanguageFiles>;
  command(kind: Kind, driverFlags: readonly string[]): LanguageCommand;
}
