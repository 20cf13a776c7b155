/** What a client and a shell see of an error, and what it means. */
interface ErrorKind {
  /** HTTP status of the API. */
  readonly http: number;
  /** Exit status of the command line: 2 for what its user can mend, 3 for the platform. */
  readonly exit: 2 | 3;
  readonly means: string;
}

/** The code or the options of an action are the user's to mend. */
const input = (means: string): ErrorKind => ({ http: 400, exit: 2, means });
const tooLarge = (means: string): ErrorKind => ({ http: 413, exit: 2, means });
/** A request that does not fit what there is. */
const unfit = (http: number, means: string): ErrorKind => ({ http, exit: 2, means });
/** A client can only wait it out, or learns of a state that does not allow its request. */
const state = (http: number, means: string): ErrorKind => ({ http, exit: 3, means });
const platform = (means: string): ErrorKind => state(500, means);

/** All codes of PlatformErrors. They are stable: clients may tell errors apart by them. */
export const ERRORS = {
  archive_bomb: tooLarge('An archive unpacks to more than is allowed.'),
  bad_annotation: input('The annotation `seuss` of an action is malformed.'),
  bad_archive: input('An archive is damaged, or of a kind that is not known.'),
  bad_document: input("An action's document is no JSON object."),
  bad_main: input('The entry point has no valid name.'),
  bad_manifest: input("The folder's package.json is no valid JSON."),
  catalog_full: tooLarge('The node holds as many actions, or as much of them, as it may.'),
  code_not_found: input('There is no file or folder at the path of the code.'),
  code_too_large: tooLarge('The code is larger than is allowed.'),
  concurrent_change: unfit(409, 'The action was changed by another request meanwhile.'),
  document_too_large: tooLarge("An action's document is larger than can be read."),
  duplicate_name: input('An archive has two entries of one name.'),
  empty_code: input('The action has no code.'),
  encrypted_archive: input('An archive is encrypted.'),
  missing_package: input('A package that the code depends on is not installed.'),
  no_entry_point: input('The code has no file to begin with.'),
  runtime_missing: input('The interpreter of the kind is not on this host.'),
  unknown_code: input('The language of the code cannot be told by its name.'),
  unknown_entity: unfit(404, 'There is nothing of that name in the namespace.'),
  unknown_kind: input('There is no runtime kind of that name.'),
  unpack_failed: tooLarge('The code could not be unpacked within the bounds.'),
  unsafe_path: input('The code holds a path or a file that is not allowed.'),
  values_too_large: tooLarge('The parameters or the annotations of an action are too long.'),

  closed: state(503, 'The node is closing or has been closed.'),
  disk_full: state(507, 'The disk is full.'),
  node_failed: state(503, 'The node cannot run anything, and cannot be mended.'),
  not_resumable: state(409, 'The snapshot is not one of a run that can go on.'),
  not_running: state(409, 'The activation is not at work, or not where it can be captured.'),
  overloaded: state(429, 'Too much waits already.'),
  snapshot_in_use: state(409, 'Other snapshots are made of it, or a start from it is under way.'),
  snapshot_pinned: state(409, "The snapshot is a runtime's."),
  tender_died: state(503, 'The host process of a core has ended.'),
  unknown_activation: state(404, 'No activation of that id is running.'),
  unknown_snapshot: state(404, 'There is no snapshot of that id.'),

  aborted: platform('The caller has given the invocation up.'),
  bad_answer: platform('A server answered in a form that is not known.'),
  bad_arguments: platform('Arguments were given in a form that is no JSON object or array.'),
  bench_failed: platform('A measurement could not be made.'),
  boot_failed: platform('An interpreter did not boot.'),
  cannot_write: platform('A file cannot be written.'),
  capture_failed: platform('A context could not be captured.'),
  code_unsafe: platform('Others than its user may write to the folder of code images.'),
  collect_failed: platform('A function could not be readied for a capture.'),
  driver_version: platform('A driver is of another version.'),
  duplicate_id: platform('An activation of that id is running already.'),
  examine_failed: platform('A clone of a function could not be examined.'),
  image_source_changed: platform('A file changed while an image was made of it.'),
  images_unsafe: platform('Others than its user may write to the folder of root images.'),
  inspection_failed: platform('A snapshot could not be looked at.'),
  invalid_image_entry: platform('An image cannot hold such a file.'),
  keeps_random: platform('The function keeps random values, so that it is not captured.'),
  listen_failed: platform('The address cannot be listened on.'),
  no_idle_uc: platform('The function has no idle context.'),
  no_room: platform('There is no memory for a snapshot.'),
  not_built: platform('The C parts are not built.'),
  packing_failed: platform('The packing of code broke off.'),
  plain_process_failed: platform('A plain process, measured beside contexts, failed.'),
  runtime_install_failed: platform('A runtime could not be installed.'),
  store_failed: platform('The store could not be read or written.'),
  store_in_use: platform('Another node uses the store.'),
  store_unsafe: platform('Others than its user may write to the store.'),
  tender_protocol: platform('A tender sent what is no frame of the protocol.'),
  tender_refused: platform('A tender refused a request.'),
  tender_version: platform('A tender is of another version.'),
  too_few_descriptors: platform('The host allows this process too few open files.'),
  unknown_anticipation: platform('There is no anticipation of that name.'),
  unknown_attack: platform('There is no attack of that name.'),
  unknown_optimisation: platform('There is no optimisation of that name.'),
  unreachable: platform('No node answers at the address.'),
  warmup_failed: platform('A warmup run of a function did not succeed.'),
  wrong_path: platform('A measurement met with another start path than it was for.'),
} as const satisfies Readonly<Record<string, ErrorKind>>;

export type ErrorCode = keyof typeof ERRORS;

export function isErrorCode(text: string): text is ErrorCode {
  return Object.hasOwn(ERRORS, text);
}
