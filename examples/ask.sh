#!/bin/sh
# Ask a running server (`make run`) with curl.  sh examples/ask.sh PICTURE INSTRUCTION [SERVER]
# A server with keys: export POSEALIGN_KEY=…
set -eu
picture=${1:?a picture} instruction=${2:?an instruction} server=${3:-${POSEALIGN_SERVER:-http://127.0.0.1:8000}}

ask() { # with the key, where there is one
  if [ -n "${POSEALIGN_KEY:-}" ]; then
    curl --silent --show-error --fail-with-body -H "Authorization: Bearer $POSEALIGN_KEY" "$@"
  else
    curl --silent --show-error --fail-with-body "$@"
  fi
}

# --form-string, not -F: a text that begins with @ or < is a text.
ask "$server/v1/pose" -F "image=@$picture" --form-string "instruction=$instruction"
echo
