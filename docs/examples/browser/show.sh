# Prints a page as it is in the end: show.sh ADDRESS
set -eu
chromium="$(../../../tests/chromium/install)"
data="$(mktemp --directory)"
trap 'rm -rf "$data"' EXIT
timeout 120 "$chromium" --headless --no-sandbox --disable-gpu --disable-quic --no-first-run \
    --disable-background-networking --disable-component-update --disable-sync \
    --user-data-dir="$data" --virtual-time-budget=60000 --dump-dom "$1" 2>/dev/null
