/** Up to here what a UC takes is nobody's fault: a running interpreter has so much soon. */
export const SMALL_BYTES = 8 * 1024 * 1024;

/** What a UC does with its memory. */
type ChargeKind = 'running' | 'idle' | 'ending';

/** What a UC is counted as. */
export interface Charge {
  readonly kind: ChargeKind;
  /** That it takes, as far as told or measured. */
  readonly bytes: number;
  /** That are set apart for it while it runs. */
  readonly claim: number;
  /** It was admitted while another start waited for memory: the number of that wait. */
  readonly wait: number;
}

/** What is set apart for a start until its UC counts. */
export interface Apart {
  readonly bytes: number;
  /** As that of a charge. */
  readonly wait: number;
}
