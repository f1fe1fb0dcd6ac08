#!/usr/bin/env bash
# Builds everything and passes the tests. The last line counts them.
# ./test.sh               attacks every promise once, in a quarter of an hour on two cores
# ./test.sh --long        passes everything: chaos too, and failover at its default times; a release needs it
# ./test.sh NAME...       only the test projects whose names contain one of the words: ./test.sh Sweeps Silo
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")" || exit 1

say() { printf '%s\n' "$*" >&2; }

# Those that take minutes carry a trait; left out, they are not even counted as skipped.
filter=(-trait- Duration=Long) words=()
for argument in "$@"; do
  case $argument in
    --long) filter=() ;;
    -*)
      say "test.sh does not know '$argument'. Usage: ./test.sh [--long] [NAME...]"
      exit 2
      ;;
    *) words+=("$argument") ;;
  esac
done

if ! command -v dotnet >/dev/null; then
  say "The tests need the .NET SDK 10: 'dotnet' is not on the PATH."
  exit 1
fi

# What the tests write lies in the repository's folder.
export TMPDIR="$PWD/artifacts/tmp"
mkdir -p "$TMPDIR"

# A cluster that the caller's environment names is not what is tested. Where libtorch and data sets are, and what chaos does, is the caller's to say.
for variable in ${!DEEPTRAIN_@}; do
  case $variable in DEEPTRAIN_LIBTORCH | DEEPTRAIN_DATASETS | DEEPTRAIN_CHAOS_*) ;; *) unset "$variable" ;; esac
done

# Debian packages that some tests need besides the SDK. Where they cannot be had, those tests say that they skip.
packages=(dataset-fashion-mnist python3-torch postgresql redis-server libfaketime python3 prometheus)
bring_packages() {
  local package missing=()
  command -v dpkg-query >/dev/null || return 0
  for package in "${packages[@]}"; do
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || missing+=("$package")
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  if [ "$(id -u)" -ne 0 ]; then
    say "Some tests will skip. To have them run: sudo apt-get install --no-install-recommends ${missing[*]}"
    return 0
  fi
  say "installing ${missing[*]} ..."
  { timeout 120 apt-get update && DEBIAN_FRONTEND=noninteractive timeout 300 apt-get install -y --no-install-recommends "${missing[@]}"; } \
    </dev/null >/dev/null 2>&1 || say "They could not be installed; some tests will skip: ${missing[*]}"
}
bring_packages

say "building ..."
begin=$SECONDS
if ! dotnet build DeepTrain.Cluster.sln -c Release -nologo -v quiet -tl:off -nodeReuse:false >&2; then
  say "The build failed; no test was run."
  exit 1
fi
# The tests with real processes start the program as people get it.
if ! ./deeptrain --version >&2; then
  say "The program was not built; no test was run."
  exit 1
fi
say "built in $((SECONDS - begin)) s"

# Two projects side by side, where two cores are: much of what tests do is waiting. The longest comes first.
lanes=$(($(nproc 2>/dev/null || echo 1) > 1 ? 2 : 1))
projects=()
for project in tests/Cluster.Tests/*.csproj tests/*/*.csproj; do
  name=$(basename "$project" .csproj)
  [[ " ${projects[*]} " != *" $name "* ]] || continue
  wanted=no
  for word in "${words[@]:-$name}"; do [[ $name == *"$word"* ]] && wanted=yes; done
  [ $wanted = no ] || projects+=("$name")
done

# What each project came to: a file NAME with its counts (passed, failed, skipped), and NAME.failed with the names of tests.
results=$(mktemp -d)

# Each project is a job with a process group of its own: whoever interrupts this script ends them too, and its processes heed Ctrl-C, which
# bash has other background processes ignore.
set -m
finish() {
  local job
  for job in $(jobs -p); do kill -- "-$job" 2>/dev/null; done
  rm -rf "$results"
}
trap finish EXIT
trap 'exit 130' INT TERM

pass() {
  local name=$1 begin=$SECONDS output status counts total errors wrong left
  say "testing $name ..."
  # Until its tests are counted, it has failed as a whole.
  echo 0 1 0 >"$results/$name"
  echo "$name as a whole" >"$results/$name.failed"
  # What a test measured is shown as it comes; all else only where something is wrong, and in one piece.
  output=$(dotnet "tests/$name/bin/Release/net10.0/DeepTrain.Cluster.$name.dll" -noLogo -noColor -showLiveOutput "${filter[@]}" 2>&1 |
    tee >(sed -nu "s/^.*\[OUTPUT\] */  $name: /p" >&2))
  status=$?
  # xunit's closing line: 'DeepTrain.Cluster.X.Tests  Total: 3, Errors: 0, Failed: 0, Skipped: 0, Not Run: 0, Time: 0.1s'
  counts=$(sed -nE 's/.*Total: ([0-9]+), Errors: ([0-9]+), Failed: ([0-9]+), Skipped: ([0-9]+), Not Run: ([0-9]+).*/\1 \2 \3 \4/p' <<<"$output" | tail -n 1)
  if [ -z "$counts" ]; then
    printf '%s\n' "$output"
    say "$name ended with status $status and without a count."
    return
  fi
  read -r total errors wrong left <<<"$counts"
  # What each test measured has been shown already.
  if [ "$status" -ne 0 ] || [ "$left" -ne 0 ]; then grep -v '\[OUTPUT\]' <<<"$output"; fi
  wrong=$((wrong + errors))
  if [ "$status" -ne 0 ] && [ $wrong -eq 0 ]; then
    wrong=1
  else
    sed -nE 's/^ *(.*) \[FAIL\]$/\1/p' <<<"$output" | sort -u >"$results/$name.failed"
  fi
  echo $((total - wrong - left)) $wrong "$left" >"$results/$name"
  say "$name: $((total - wrong - left)) passed, $wrong failed, $left skipped, $((SECONDS - begin)) s"
}

lane=0
for name in "${projects[@]}"; do
  [ $lane -lt $lanes ] || wait -n
  pass "$name" </dev/null &
  lane=$((lane + 1))
done
wait

# Named once more where a reader of the end sees them.
if [ -n "$(cat "$results"/*.failed 2>/dev/null)" ]; then
  echo Failed:
  sed 's/^/  /' "$results"/*.failed
fi
passed=0 failed=0 skipped=0
for name in "${projects[@]}"; do
  read -r right wrong left <"$results/$name"
  passed=$((passed + right)) failed=$((failed + wrong)) skipped=$((skipped + left))
done
echo "$passed passed, $failed failed, $skipped skipped"
[ $failed -eq 0 ] && [ $passed -gt 0 ]
