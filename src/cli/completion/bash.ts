/**
 * The completion script for bash 3.2 and later, which needs nothing but bash. That of `@bomb.sh/tab` is not used: it cannot be
 * sourced twice in one shell, never completes file names, and lets the shell evaluate both the input and the suggestions, so
 * that a serial number in a manifest could run a command.
 */
export const BASH_SCRIPT = `# bash completion for dji-ota

_dji_ota() {
  local rest=\${COMP_LINE:0:COMP_POINT} word trimmed reply line directive=0 i
  local -a words
  words=()
  # bash has cut the line at = and : as well; words are what stands between spaces.
  for ((i = 0; i <= COMP_CWORD; i++)); do
    word=\${COMP_WORDS[i]}
    trimmed=\${rest#"\${rest%%[![:space:]]*}"}
    # The word at the cursor ends there, whatever follows.
    ((i == COMP_CWORD)) && word=$trimmed
    if ((\${#words[@]} > 0)) && [[ $trimmed == "$rest" ]]; then
      words[\${#words[@]} - 1]+=$word
    else
      words+=("$word")
    fi
    rest=\${trimmed#"$word"}
  done
  reply=$(dji-ota complete -- "\${words[@]:1}" 2>/dev/null) || return 0
  # bash replaces what stands after the last = or :, where it breaks words there, and the program answers to what stands
  # after the = of an option.
  local value=\${words[\${#words[@]} - 1]} prefix= cut=
  if [[ $value == -*=* ]]; then
    [[ $COMP_WORDBREAKS == *=* ]] || prefix=\${value%%=*}=
    value=\${value#*=}
  fi
  [[ $COMP_WORDBREAKS == *=* && $value == *=* ]] && cut=\${value%"\${value##*=}"}
  [[ $COMP_WORDBREAKS == *:* && $value == *:* ]] && cut=\${value%"\${value##*:}"}
  COMPREPLY=()
  while IFS= read -r line; do
    case $line in
      :*) directive=\${line#:} ;;
      *)
        line=\${line%%$'\\t'*}
        COMPREPLY+=("$prefix\${line#"$cut"}")
        ;;
    esac
  done <<<"$reply"
  # bash 3.2, the one of macOS, has no compopt.
  type compopt >/dev/null 2>&1 || return 0
  ((directive & 2)) && compopt -o nospace
  ((directive & 4)) && compopt +o default +o bashdefault
  ((directive & 32)) && compopt -o nosort 2>/dev/null
  return 0
}

complete -o bashdefault -o default -F _dji_ota dji-ota
`;
