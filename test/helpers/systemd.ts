import { execFileSync, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { temporaryDirectory } from './temporary-directory.ts'

const MANAGER = ['/lib/systemd/systemd', '/usr/lib/systemd/systemd'].find((it) => existsSync(it))

/** Why units cannot be verified here, if they cannot. */
export const NO_SYSTEMD_ANALYZE = succeeds('systemd-analyze', '--version')
  ? undefined
  : 'Verifying units needs systemd-analyze.'

/** Why `inSystemdSession` cannot work here, if it cannot. */
export const NO_SYSTEMD_SESSION = whyNoSession()

/**
 * Runs a shell script beside a `systemd --user` of its own, in a mount namespace in which nothing but that
 * manager seems to run. `HOME` and the directories of XDG are below `home`.
 * @param prepare Run before the manager, in its namespace.
 * @returns what the script printed. @throws with what it complained of
 */
export async function inSystemdSession(
  home: string,
  script: string,
  prepare = '',
): Promise<string> {
  const directory = await temporaryDirectory()
  const files = { session: join(directory, 'session'), script: join(directory, 'script') }
  await writeFile(files.session, `set -eu\n${MOUNTS}\n${prepare}\n${MANAGE}`)
  await writeFile(files.script, script)
  const cgroup = `hyperletter-test-${process.pid}-${Math.random().toString(36).slice(2)}`
  const log = join(directory, 'log')
  const child = spawn('unshare', ['--mount', '--fork', 'bash', files.session], {
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
    env: {
      PATH: process.env['PATH'],
      HOME: home,
      XDG_CONFIG_HOME: join(home, 'config'),
      XDG_DATA_HOME: join(home, 'data'),
      XDG_RUNTIME_DIR: '/run/user/0',
      MANAGER,
      SCRIPT: files.script,
      CGROUP: cgroup,
      LOG: log,
    },
  })
  const { pid } = child
  onTestFinished(() => {
    try {
      // The whole group, for a manager does not end with the shell that began it.
      if (pid !== undefined) process.kill(-pid, 'SIGKILL')
    } catch {
      // It has ended.
    }
  })
  let [stdout, stderr] = ['', '']
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()))
  const code = await new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', resolve)
  })
  if (code === 0) return stdout
  const said = await readFile(log, 'utf8').catch(() => '')
  throw new Error(`The session ended with ${String(code)}.\n${stdout}\n${stderr}\n${said}`)
}

// systemd wants to see that the system was booted with it, and a cgroup that it may divide.
const MOUNTS = `
mount --make-rprivate /
mount -t tmpfs none /run
mkdir -p /run/systemd/system "$XDG_RUNTIME_DIR"
chmod 700 "$XDG_RUNTIME_DIR"
mount -t cgroup2 none /sys/fs/cgroup
# What stands in the place of files that a service must not see.
(umask 777; cd /run/systemd; mkdir inaccessible; mkdir inaccessible/dir; touch inaccessible/reg)
`

const MANAGE = `
mkdir -p "/sys/fs/cgroup/$CGROUP/session"
echo $$ > "/sys/fs/cgroup/$CGROUP/session/cgroup.procs"
# Of the units of this machine only those that every manager needs: the others are for a real one.
units="$XDG_RUNTIME_DIR/units"
mkdir "$units"
for unit in basic default exit paths shutdown sockets timers; do
  cp "$(dirname "$MANAGER")/user/$unit.target" "$units"
done
cp "$(dirname "$MANAGER")/user/systemd-exit.service" "$units"
export SYSTEMD_UNIT_PATH="$XDG_CONFIG_HOME/systemd/user:$units"
SYSTEMD_LOG_TARGET=console "$MANAGER" --user > "$LOG" 2>&1 &
manager=$!
until [ -S "$XDG_RUNTIME_DIR/systemd/private" ]; do kill -0 "$manager"; sleep 0.05; done
code=0
bash -eu "$SCRIPT" || code=$?
systemctl --user exit || kill "$manager"
wait "$manager" || true
echo $$ > /sys/fs/cgroup/cgroup.procs
find "/sys/fs/cgroup/$CGROUP" -depth -type d -exec rmdir {} + || true
exit "$code"
`

function whyNoSession(): string | undefined {
  const why = 'A systemd of our own needs root on Linux, systemd, unshare and cgroups version 2.'
  if (process.platform !== 'linux' || process.getuid?.() !== 0 || MANAGER === undefined) return why
  const mount =
    'mount --make-rprivate / && mount -t tmpfs none /run && mount -t cgroup2 none /sys/fs/cgroup'
  const canTell = succeeds('systemd-notify', '--version')
  return canTell && succeeds('unshare', '--mount', '--fork', 'sh', '-c', mount) ? undefined : why
}

function succeeds(program: string, ...args: readonly string[]): boolean {
  try {
    execFileSync(program, args, { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}
