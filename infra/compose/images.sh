#!/usr/bin/env bash
# Makes the images of the services with the .NET SDK alone, without a Dockerfile.
#
#   images.sh                 into the engine of this machine, as mahavishnu-ingest:latest and so on
#   images.sh --registry HOST push them there instead
#   images.sh --archive DIR   into files that `docker load` takes
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

usage() { sed -n '2,6s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2; exit 2; }
target=()
case ${1:-} in
    '') [ $# -eq 0 ] || usage ;;
    --registry) [ $# -eq 2 ] || usage; target=("-p:ContainerRegistry=$2") ;;
    --archive) [ $# -eq 2 ] || usage; mkdir -p "$2"; target=("-p:ContainerArchiveOutputPath=$(cd "$2" && pwd)/") ;;
    *) usage ;;
esac
for project in services/Gateway/Mahavishnu.Gateway services/{Ingest/Mahavishnu.Ingest,Search/Mahavishnu.Search,Migration/Mahavishnu.Migration}.Service; do
    dotnet publish "$project" -c Release -t:PublishContainer -p:ContainerImageTag=latest "${target[@]}"
done
