export const SHELLS = ['bash', 'zsh', 'fish', 'powershell'] as const
export type Shell = (typeof SHELLS)[number]

/**
 * What a shell runs once, to ask us at each Tab: `hyperletter complete --word=<word with the cursor> --
 * <words before it>`. The answer has a line for each candidate, with its summary after a tab; `:files` or
 * `:folders` where names of those fit. Titles were written by strangers, so each shell must put the
 * candidates on its line as words, whatever is in them.
 */
export const SCRIPTS: Readonly<Record<Shell, string>> = {
  // Runs in bash 3.2 too, which macOS has. Words arrive as they were typed, cut at = and :.
  bash: `_hyperletter_paths() {
  local path
  while IFS= read -r path; do
    COMPREPLY+=("$(printf '%q' "$path")")
  done < <(compgen "$1" -- "$2")
}
_hyperletter() {
  local word="\${COMP_WORDS[COMP_CWORD]}" line value
  COMPREPLY=()
  [ "$word" = "=" ] && word=
  while IFS= read -r line; do
    value="\${line%%$'\\t'*}"
    case "$line" in
      :files) compopt -o default 2>/dev/null || _hyperletter_paths -f "$word" ;;
      :folders) compopt -o dirnames 2>/dev/null || _hyperletter_paths -d "$word" ;;
      *)
        case "$word" in
          # Between quotation marks only what means itself there.
          \\"*) case "$value" in *[\\"\\$\\\`\\\\!]*) continue ;; esac ;;
          \\'*) case "$value" in *\\'*) continue ;; esac ;;
          *) value="$(printf '%q' "$value")" ;;
        esac
        COMPREPLY+=("$value")
        ;;
    esac
  done < <(hyperletter complete --shell=bash --word="\${COMP_WORDS[COMP_CWORD]}" -- "\${COMP_WORDS[@]:1:COMP_CWORD-1}" 2>/dev/null)
}
complete -F _hyperletter hyperletter
`,
  // Either in a folder of $fpath as _hyperletter, or read by .zshrc after compinit.
  zsh: `#compdef hyperletter
_hyperletter() {
  local line
  local -a values labels
  while IFS= read -r line; do
    case $line in
      :files) _files ;;
      :folders) _files -/ ;;
      *)
        values+=("\${line%%$'\\t'*}")
        labels+=("\${line/$'\\t'/  -- }")
        ;;
    esac
  done < <(hyperletter complete --shell=zsh --word="\${(Q)PREFIX}" -- "\${(@Q)words[2,CURRENT-1]}" 2>/dev/null)
  (( \${#values} )) && compadd -l -d labels -M 'm:{[:lower:][:upper:]}={[:upper:][:lower:]}' -a values
}
if [[ "\${funcstack[1]}" == _hyperletter ]]; then
  _hyperletter "$@"
else
  compdef _hyperletter hyperletter
fi
`,
  fish: `function __hyperletter_complete
  set -l before (commandline -opc)
  set -e before[1]
  set -l word (commandline -ct | string unescape)
  for line in (hyperletter complete --shell=fish --word="$word" -- $before 2>/dev/null)
    switch $line
      case :files
        __fish_complete_path "$word"
      case :folders
        __fish_complete_directories "$word"
      case '*'
        printf '%s\\n' $line
    end
  end
end
complete -c hyperletter -f -a '(__hyperletter_complete)'
`,
  powershell: `Register-ArgumentCompleter -Native -CommandName hyperletter -ScriptBlock {
  param($word, $ast, $cursor)
  $before = @($ast.CommandElements | Select-Object -Skip 1 |
    Where-Object { $_.Extent.EndOffset -lt $cursor } |
    ForEach-Object { if ($null -ne $_.Value) { "$($_.Value)" } else { $_.Extent.Text } })
  hyperletter complete --shell=powershell "--word=$word" -- @before 2>$null | ForEach-Object {
    if ($_ -eq ':files' -or $_ -eq ':folders') {
      [System.Management.Automation.CompletionCompleters]::CompleteFilename($word)
      return
    }
    $value, $summary = $_ -split "\`t", 2
    if (-not $summary) { $summary = $value }
    $typed = $value
    if ($value -notmatch '^[\\w./:=-]+$') { $typed = "'" + ($value -replace "'", "''") + "'" }
    [System.Management.Automation.CompletionResult]::new($typed, $value, 'ParameterValue', $summary)
  }
}
`,
}

/** How to have it at each start of the shell. */
export const ADVICE: Readonly<Record<Shell, string>> = {
  bash: `echo 'eval "$(hyperletter completion bash)"' >> ~/.bashrc`,
  zsh: `echo 'eval "$(hyperletter completion zsh)"' >> ~/.zshrc, below compinit`,
  fish: 'hyperletter completion fish > ~/.config/fish/completions/hyperletter.fish',
  powershell:
    'Add `hyperletter completion powershell | Out-String | Invoke-Expression` to $PROFILE',
}

/** The words of bash as a program would get them: whole, and without quotation marks. */
export function fromBash(
  words: readonly string[],
  word: string,
): { readonly words: readonly string[]; readonly word: string; readonly cut: number } {
  const joined: string[] = []
  for (const it of [...words, word]) {
    const isJoined = joined.at(-1)?.startsWith('--') === true && it === '='
    if (isJoined || joined.at(-1)?.endsWith('=') === true) joined.push(`${joined.pop() ?? ''}${it}`)
    else joined.push(it)
  }
  const last = joined.pop() ?? ''
  const isValue = last !== word
  return {
    words: joined.map(unquote),
    word: unquote(last),
    // Of --flag=value bash wants to hear the value alone.
    cut: isValue ? last.indexOf('=') + 1 : 0,
  }
}

function unquote(word: string): string {
  return word.replace(/\\(.)|["']/gs, (_, escaped: string | undefined) => escaped ?? '')
}
