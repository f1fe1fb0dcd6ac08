#!/usr/bin/env bash
# Builds everything and passes all tests. The last line counts them.
# ./test.sh [NAME...] passes only the test projects whose names contain one of the words: ./test.sh Sweeps Silo
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")" || exit 1

say() { printf '%s\n' "$*" >&2; }

if ! command -v dotnet >/dev/null; then
  say "The tests need the .NET SDK 10: 'dotnet' is not on the PATH."
  exit 1
fi

# What the tests write lies in the repository's folder.
export TMPDIR="$PWD/artifacts/tmp"
mkdir -p "$TMPDIR"

# A cluster that somebody's environment names is not what is tested; where libtorch and data sets are is his to say.
for variable in ${!DEEPTRAIN_@}; do
  case $variable in DEEPTRAIN_LIBTORCH | DEEPTRAIN_DATASETS) ;; *) unset "$variable" ;; esac
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

passed=0 failed=0 skipped=0 broken=0 wrongs=()
for project in tests/*/*.csproj; do
  name=$(basename "$project" .csproj)
  if [ $# -gt 0 ]; then
    wanted=no
    for word in "$@"; do [[ $name == *"$word"* ]] && wanted=yes; done
    [ $wanted = yes ] || continue
  fi
  say "testing $name ..."
  begin=$SECONDS
  # What a test measured is shown as it comes; all else only where something is wrong.
  output=$(dotnet "tests/$name/bin/Release/net10.0/DeepTrain.Cluster.$name.dll" -noLogo -noColor -showLiveOutput 2>&1 |
    tee >(sed -nu 's/^.*\[OUTPUT\] */  /p' >&2))
  status=$?
  # xunit's closing line: 'DeepTrain.Cluster.X.Tests  Total: 3, Errors: 0, Failed: 0, Skipped: 0, Not Run: 0, Time: 0.1s'
  counts=$(sed -nE 's/.*Total: ([0-9]+), Errors: ([0-9]+), Failed: ([0-9]+), Skipped: ([0-9]+), Not Run: ([0-9]+).*/\1 \2 \3 \4/p' <<<"$output" | tail -n 1)
  if [ -z "$counts" ]; then
    printf '%s\n' "$output"
    say "$name ended with status $status and without a count."
    broken=$((broken + 1))
    wrongs+=("  $name as a whole")
    continue
  fi
  read -r total errors wrong left <<<"$counts"
  # What each test measured has been shown already.
  if [ "$status" -ne 0 ] || [ "$left" -ne 0 ]; then grep -v '\[OUTPUT\]' <<<"$output"; fi
  mapfile -t -O ${#wrongs[@]} wrongs < <(sed -nE 's/^ *(.*) \[FAIL\]$/  \1/p' <<<"$output" | sort -u)
  say "$name: $((total - wrong - left)) passed, $((wrong + errors)) failed, $left skipped, $((SECONDS - begin)) s"
  passed=$((passed + total - wrong - left))
  failed=$((failed + wrong + errors))
  skipped=$((skipped + left))
  if [ "$status" -ne 0 ] && [ $((wrong + errors)) -eq 0 ]; then broken=$((broken + 1)); fi
done

# Named once more where a reader of the end sees them.
[ ${#wrongs[@]} -eq 0 ] || printf '%s\n' Failed: "${wrongs[@]}"
echo "$passed passed, $((failed + broken)) failed, $skipped skipped"
[ $((failed + broken)) -eq 0 ] && [ "$passed" -gt 0 ]
