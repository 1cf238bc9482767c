import { mkdir } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { expect, it } from 'vitest'
import { shellWord } from '../../../src/cli/terminal/format.ts'
import { inSystemdSession, NO_SYSTEMD_SESSION } from '../../helpers/systemd.ts'
import { temporaryDirectory } from '../../helpers/temporary-directory.ts'
import { privateNetwork } from '../../helpers/testnet.ts'

const LAUNCHER = resolve(import.meta.dirname, '../../../bin/hyperletter.js')

/** A home whose name is as odd as folders get. */
async function oddHome(): Promise<string> {
  const home = join(await temporaryDirectory(), `we ird %n $HOME \\ "q" 'é'`)
  await mkdir(home)
  return home
}

/** Words of a shell that run the command in the network of a test. */
async function prelude(): Promise<string> {
  const addresses = (await privateNetwork()).map(({ host, port }) => `${host}:${port}`).join(',')
  return `
    hl() { ${shellWord(process.execPath)} ${shellWord(LAUNCHER)} "$@"; }
    pid() { systemctl --user show --property MainPID --value hyperletter; }
    state() { systemctl --user is-active hyperletter || true; }
    conf="$XDG_CONFIG_HOME/hyperletter/config.toml"
    mkdir -p "$(dirname "$conf")"
    export HYPERLETTER_BOOTSTRAP=${addresses}
  `
}

const valuesOf = (printed: string) =>
  Object.fromEntries(
    printed
      .trim()
      .split('\n')
      .map((line) => line.split('=', 2) as [string, string]),
  )

it(
  'systemd runs, reloads and ends the daemon that was installed',
  { timeout: 120_000 },
  async ({ skip }) => {
    skip(NO_SYSTEMD_SESSION !== undefined, NO_SYSTEMD_SESSION)
    const printed = await inSystemdSession(
      await oddHome(),
      `${await prelude()}
    hl daemon install --disk-cap '5 GB' > /dev/null 2>&1
    echo "installed=$(state)"
    first=$(pid)
    unset HYPERLETTER_BOOTSTRAP
    hl daemon status --json | grep -q "\\"pid\\":$first," && echo "answers=yes"
    echo 'logLevel = "info"' > "$conf"
    systemctl --user reload hyperletter && echo "reloaded=$(state)"
    echo 'logLevl = "info"' > "$conf"
    systemctl --user reload hyperletter 2> /dev/null || echo "wrong=refused"
    [ "$(pid)" = "$first" ] && echo "same=yes"
    rm "$conf"
    kill -HUP "$first"
    hl daemon status --json | grep -q "\\"pid\\":$first," && echo "hangup=survived"
    kill -KILL "$first"
    until [ "$(state)" = activating ]; do sleep 0.05; done
    echo "killed=comes back"
    hl daemon install > /dev/null 2>&1
    echo "again=$(state)"
    hl daemon uninstall > /dev/null 2>&1
    echo "uninstalled=$(state)"
    hl daemon status --json | grep -q '"running":false' && echo "gone=yes"
    [ -z "$(ls "$XDG_CONFIG_HOME/systemd/user" | grep service$)" ] && echo "file=gone"`,
    )
    expect(valuesOf(printed)).toEqual({
      installed: 'active',
      answers: 'yes',
      reloaded: 'active',
      wrong: 'refused',
      same: 'yes',
      hangup: 'survived',
      killed: 'comes back',
      again: 'active',
      uninstalled: 'inactive',
      gone: 'yes',
      file: 'gone',
    })
  },
)

it(
  'systemd ends a daemon that does not answer, and starts it again',
  { timeout: 120_000 },
  async ({ skip }) => {
    skip(NO_SYSTEMD_SESSION !== undefined, NO_SYSTEMD_SESSION)
    const printed = await inSystemdSession(
      await oddHome(),
      `${await prelude()}
    over="$XDG_CONFIG_HOME/systemd/user/hyperletter.service.d"
    mkdir -p "$over"
    printf '[Service]\\nWatchdogSec=2\\nRestartSec=0\\n' > "$over/test.conf"
    hl daemon install > /dev/null 2>&1
    first=$(pid)
    heard() { systemctl --user show --property WatchdogTimestampMonotonic --value hyperletter; }
    begun=$(heard)
    until [ "$(heard)" != "$begun" ]; do sleep 0.1; done
    until [ "$(($(heard) - begun))" -gt 3000000 ]; do sleep 0.1; done
    [ "$(pid)" = "$first" ] && echo "well=runs on"
    kill -STOP "$first"
    until [ "$(pid)" != "$first" ] && [ "$(state)" = active ]; do sleep 0.1; done
    echo "stuck=started again"
    hl daemon uninstall > /dev/null 2>&1`,
    )
    expect(valuesOf(printed)).toEqual({ well: 'runs on', stuck: 'started again' })
  },
)
