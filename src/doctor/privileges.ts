import { spawnSync } from 'node:child_process';
import { type Check, check } from './check.ts';
import { readText } from './files.ts';

export function privilegeChecks(): Check[] {
  return [namespaces(), cgroups()];
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

function cgroups(): Check {
  const controllers = readText('/sys/fs/cgroup/cgroup.controllers');
  return check('cgroup v2', controllers !== undefined, {
    found: controllers ?? 'not mounted',
    means: 'Where it is there, the host can limit Seuss as a whole.',
    remedy: 'Boot with systemd.unified_cgroup_hierarchy=1, or go without.',
    otherwise: 'warning',
  });
}
