import type { Cores } from '../../cores/cores.ts';
import type { UcEnd } from '../../uc/uc-end.ts';
import type { FunctionUc } from './function-record.ts';

/** Where a function's folder lies in its UC. */
export const ACTION_DIR = '/action';

/** Hands a code image over; from then on the UC, and each snapshot of it, holds the image by itself. */
export async function mountCode(cores: Cores, uc: FunctionUc, path: string): Promise<UcEnd | undefined> {
  const image = cores.nextImage();
  try {
    await Promise.all([
      uc.tender.openImage(image, path),
      uc.tender.mount(uc.id, image, ACTION_DIR),
      uc.tender.dropImage(image),
    ]);
    return undefined;
  } catch (error) {
    return uc.fail(error);
  }
}
