#!/usr/bin/env bash
# Publishes what an image holds, for the Dockerfile and for the tests, which run the very same: publish.sh coordinator|worker FOLDER
# TORCH_BACKEND=cpu|cuda says which libtorch a worker brings along. A coordinator trains nothing, and brings none.
set -euo pipefail

usage() {
  echo "usage: [TORCH_BACKEND=cpu|cuda] publish.sh coordinator|worker FOLDER" >&2
  exit 2
}

[ $# -eq 2 ] || usage
case "$1" in
  coordinator) backend=none ;;
  worker) backend=${TORCH_BACKEND:-cpu} ;;
  *) usage ;;
esac
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)

# One publish brings both programs, silo and deeptrain. What is built on the way lies apart from every other build of these sources:
# builds that differ in their packages must not share it.
exec dotnet publish "$root/src/Client/Client.csproj" -c Release -r linux-x64 --self-contained false \
  -p:TorchBackend="$backend" -p:PublishReadyToRun=true --artifacts-path "$root/artifacts/images/build-$backend" -o "$2" \
  -nologo -v minimal -tl:off -nodeReuse:false
