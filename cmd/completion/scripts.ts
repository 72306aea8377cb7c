/** The shells that there are scripts for. */
export const SHELLS = ["bash", "zsh", "fish"] as const;
export type Shell = (typeof SHELLS)[number];

/*
 * The scripts are thin: they hand the line to `toolgate complete`, which answers with a candidate and what it is on each line, a
 * tab between them. They are written by hand, because what a library adds is small beside what it asks for: @bomb.sh/tab has no
 * stable release, omelette and tabtab rest since years and write into people's start-up files, and none of them waits for values
 * from a cluster with a time limit. The commands and options come from commander's own tree.
 */
export const SCRIPTS = {
  bash: `# bash completion for toolgate
_toolgate() {
  local line
  COMPREPLY=()
  while IFS= read -r line; do
    COMPREPLY+=("\${line%%$'\\t'*}")
  done < <("$1" complete --line "\${COMP_LINE:0:COMP_POINT}" 2>/dev/null)
  # A key of a payload goes on with its value.
  if [[ \${#COMPREPLY[@]} -eq 1 && \${COMPREPLY[0]} == *= ]]; then
    compopt -o nospace 2>/dev/null
  fi
}
complete -o default -F _toolgate toolgate
`,
  zsh: `#compdef toolgate
# zsh completion for toolgate
_toolgate() {
  local line value
  local -a values keys
  for line in "\${(@f)$("\${words[1]}" complete -- "\${(@Q)words[2,CURRENT]}" 2>/dev/null)}"; do
    [[ -z $line ]] && continue
    value="\${line%%$'\\t'*}"
    line="\${value//:/\\\\:}:\${line#*$'\\t'}"
    # A key of a payload goes on with its value.
    if [[ $value == *= ]]; then keys+=("$line"); else values+=("$line"); fi
  done
  if (( $#values + $#keys == 0 )); then
    _files
    return
  fi
  if (( $#values )); then _describe toolgate values; fi
  if (( $#keys )); then _describe toolgate keys -S ''; fi
}
if [[ $funcstack[1] == _toolgate ]]; then
  _toolgate "$@"
else
  compdef _toolgate toolgate
fi
`,
  fish: `# fish completion for toolgate
function __toolgate_complete
  set -l words (commandline -opc)
  set -l current (commandline -ct)
  $words[1] complete -- $words[2..-1] "$current" 2>/dev/null
end
complete -c toolgate -f -a '(__toolgate_complete)'
complete -c toolgate -l file -r -F
complete -c toolgate -l ca -r -F
complete -c toolgate -l key-file -r -F
`,
} as const satisfies Record<Shell, string>;
