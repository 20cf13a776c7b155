import { libosPath, tenderPath } from '../runtime/paths.ts';
import { TenderProcess } from '../tender/tender-process.ts';
import { faultOfUcUser } from '../tender/uc-user.ts';
import type { Check } from './check.ts';

const MEANS = 'A context that broke through the filter would have the rights of that user.';

/** Asks a tender itself, since what it may do depends on more than can be read off. None if it cannot be started. */
export async function identityChecks(): Promise<Check[]> {
  const started = await TenderProcess.start({
    tenderPath,
    libosPath,
    cores: 1,
    bindNode: false,
    without: [],
  }).catch((error: Error) => error);
  if (started instanceof Error) {
    const remedy = 'npm run build; if it is built, mend what this message names.';
    return [
      {
        title: 'tender',
        status: 'missing',
        found: started.message,
        means: 'It runs every function.',
        remedy,
      },
    ];
  }
  const { ucUser } = started.tenders[0]?.hello ?? { ucUser: 0 };
  await started.close();
  const fault = faultOfUcUser(ucUser);
  const title = 'user of contexts';
  if (fault === undefined) return [{ title, status: 'ok', found: foundUser(ucUser), means: MEANS }];
  return [{ title, status: 'warning', found: fault.message, means: MEANS, remedy: fault.remedy }];
}

function foundUser(ucUser: number): string {
  return ucUser === process.geteuid?.() ? `${ucUser}, who starts Seuss` : `${ucUser}, a user of their own`;
}
