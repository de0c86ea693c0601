# Sourced by install.sh and run.sh, which set `here`: which clients their arguments mean.
# A client whose folder has a file `heavy` is heavy, every other one light.

# choose_clients [--heavy | --all | CLIENT…]: fills `clients` with the light ones, with all of them,
# or with those that are named.
choose_clients() {
  local word folder all='' light=() heavy=()
  clients=()
  for word in "$@"; do
    if [ "$word" = --heavy ] || [ "$word" = --all ]; then
      all=yes
    elif [ -x "$here/$word/run" ]; then
      clients+=("$word")
    else
      echo "pg_clients: $word is neither a client nor --heavy" >&2
      exit 2
    fi
  done
  [ -n "$all" ] || [ ${#clients[@]} -eq 0 ] || return 0
  for folder in "$here"/*/; do
    [ -x "$folder/run" ] || continue
    word=$(basename "$folder")
    if [ -e "$folder/heavy" ]; then heavy+=("$word"); else light+=("$word"); fi
  done
  clients=("${light[@]}")
  [ -z "$all" ] || clients+=("${heavy[@]}") # last, because they leave more behind
}
