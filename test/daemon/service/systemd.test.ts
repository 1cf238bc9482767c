import { mkdir, readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { expect, it } from 'vitest'
import { shellWord } from '../../../src/cli/terminal/format.ts'
import { commandLine } from '../../../src/daemon/service/definitions.ts'
import { inSystemdSession, NO_SYSTEMD_SESSION } from '../../helpers/systemd.ts'
import { temporaryDirectory } from '../../helpers/temporary-directory.ts'
import { privateNetwork } from '../../helpers/testnet.ts'

const ROOT = resolve(import.meta.dirname, '../../..')
const LAUNCHER = join(ROOT, 'bin/hyperletter.js')
const LAUNCHER_THERE = '/srv/program/bin/hyperletter.js'

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

// Of several lines, which `shellWord` would join.
const quoted = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`

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
    mkdir "$HOME/bin"
    printf '#!/bin/sh\\necho "asked for $2"\\n' > "$HOME/bin/journalctl"
    chmod +x "$HOME/bin/journalctl"
    PATH="$HOME/bin:$PATH" hl daemon logs | sed 's/^/journal=/'
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
      journal: 'asked for --unit',
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

it(
  'the sandbox of the documented unit lets the daemon do its work',
  { timeout: 120_000 },
  async ({ skip }) => {
    skip(NO_SYSTEMD_SESSION !== undefined, NO_SYSTEMD_SESSION)
    // A manager of a user can neither choose the user of a service nor hide from it the folder that its own
    // socket is in; all else is as in the file.
    const program = commandLine([process.execPath, LAUNCHER_THERE])
    const unit = (await readFile(join(ROOT, 'docs/service/hyperletter.service'), 'utf8'))
      .replaceAll('=/usr/local/bin/hyperletter ', `=${program} `)
      .replace(/^(?:User|Group|ProtectHome|After|Wants)=.*\n/gm, '')
      .replace(/^Environment=.*$/m, 'Environment=HYPERLETTER_HOME=/srv/home/config/hyperletter')
    const printed = await inSystemdSession(
      '/srv/home',
      `${await prelude()}
    folder="$XDG_CONFIG_HOME/systemd/user"
    mkdir -p "$folder/hyperletter.service.d"
    printf '%s' ${quoted(unit)} > "$folder/hyperletter.service"
    echo '[Service]' > "$folder/hyperletter.service.d/test.conf"
    echo "Environment=HYPERLETTER_BOOTSTRAP=$HYPERLETTER_BOOTSTRAP" >> "$folder/hyperletter.service.d/test.conf"
    systemctl --user daemon-reload
    systemctl --user start hyperletter
    echo "started=$(state)"
    export HYPERLETTER_HOME=/srv/home/config/hyperletter
    hl create 'Spring Tide' --no-confirm --json > /dev/null
    hl status --json | grep -q '"via":"daemon","online":true' && echo "works=yes"
    grep -q 'CapEff:.0000000000000000' "/proc/$(pid)/status" && echo "capabilities=none"
    nsenter --target "$(pid)" --mount touch /srv/x 2> /dev/null || echo "elsewhere=read only"
    systemctl --user reload hyperletter && echo "reload=understood"
    systemctl --user stop hyperletter
    echo "stopped=$(systemctl --user show --property Result --value hyperletter)"`,
      `mount -t tmpfs none /srv
    mkdir -p /srv/home /srv/program
    mount --bind ${quoted(ROOT)} /srv/program`,
    )
    expect(valuesOf(printed)).toEqual({
      started: 'active',
      works: 'yes',
      capabilities: 'none',
      elsewhere: 'read only',
      reload: 'understood',
      stopped: 'success',
    })
  },
)
