import { totalmem } from 'node:os';
import { libosPath, tenderPath } from '../contract/paths.ts';
import { TenderGroup } from '../tender/tender-group.ts';
import { faultOfUcUser } from '../tender/uc-user.ts';
import { type Check, check } from './check.ts';

const MEANS = 'A context that broke through the filter would have the rights of that user.';

/**
 * Asks a tender itself, since what it may do depends on more than can be read off. None if it
 * cannot be started.
 */
export async function identityChecks(): Promise<Check[]> {
  const started = await TenderGroup.start({
    tenderPath,
    libosPath,
    cores: 1,
    bindNode: false,
    memoryMaxBytes: totalmem(),
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
  const { ucUser, inMemoryGroup } = started.tenders[0]?.hello ?? { ucUser: 0, inMemoryGroup: false };
  await started.close();
  return [userCheck(ucUser), memoryGroupCheck(inMemoryGroup)];
}

function userCheck(ucUser: number): Check {
  const fault = faultOfUcUser(ucUser);
  const title = 'user of contexts';
  if (fault === undefined) return { title, status: 'ok', found: foundUser(ucUser), means: MEANS };
  return { title, status: 'warning', found: fault.message, means: MEANS, remedy: fault.remedy };
}

function memoryGroupCheck(inMemoryGroup: boolean): Check {
  return check('memory cgroup', inMemoryGroup, {
    found: inMemoryGroup ? 'contexts have one of their own' : 'none can be made for contexts',
    means: 'The kernel then bounds what all contexts take together, whatever happens to the node.',
    remedy:
      'Start Seuss where it may make groups: as root, or systemd-run --user --scope -p Delegate=yes; ' +
      'or go without.',
    otherwise: 'warning',
  });
}

function foundUser(ucUser: number): string {
  return ucUser === process.geteuid?.() ? `${ucUser}, who starts Seuss` : `${ucUser}, a user of their own`;
}
