import { spawnSync } from 'node:child_process';
import { type Check, check } from './check.ts';

export function privilegeChecks(): Check[] {
  return [namespaces()];
}

function namespaces(): Check {
  const root = process.getuid?.() === 0;
  const made = spawnSync('unshare', ['--user', '--map-root-user', '--net', 'true'], { stdio: 'ignore' });
  const works = made.status === 0;
  return check('namespaces', root || works, {
    found: root ? 'root' : works ? 'user namespaces' : 'neither root nor user namespaces',
    means: 'Empty namespaces stand behind the seccomp filter as a second wall.',
    remedy: 'sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0 user.max_user_namespaces=65536',
    otherwise: 'warning',
  });
}
