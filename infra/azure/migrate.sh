#!/bin/sh
# Upgrades the schema of what has just been deployed, and waits for the end: Container Apps start a job when somebody says so, and no sooner.
#
#   migrate.sh [GROUP]    the resource group; default AZURE_RESOURCE_GROUP, else rg-AZURE_ENV_NAME, which is what azd calls it
#
# MIGRATE_SECONDS is how long to wait (900).
set -eu

group=${1:-${AZURE_RESOURCE_GROUP:-${AZURE_ENV_NAME:+rg-$AZURE_ENV_NAME}}}
if [ $# -gt 1 ] || [ -z "$group" ]; then
    sed -n '2,6s/^#\( \|$\)//p' "$0" >&2
    exit 2
fi
command -v az >/dev/null || { echo "migrate.sh: the Azure CLI (az) is needed; the schema was not upgraded" >&2; exit 3; }

execution=$(az containerapp job start --name migrate --resource-group "$group" --query name --output tsv)
echo "migrate.sh: $execution upgrades the schema" >&2
left=${MIGRATE_SECONDS:-900}
while :; do
    status=$(az containerapp job execution show --name migrate --resource-group "$group" --job-execution-name "$execution" --query properties.status --output tsv)
    case $status in
        Succeeded) echo "migrate.sh: the schema is as the services need it" >&2; exit 0 ;;
        Failed | Stopped | Degraded) echo "migrate.sh: $execution has $status; az containerapp job logs show --name migrate --resource-group $group --execution $execution --container migrate says why" >&2; exit 1 ;;
    esac
    [ "$left" -gt 0 ] || { echo "migrate.sh: $execution is still $status; the services are not ready until it has Succeeded" >&2; exit 1; }
    sleep 5
    left=$((left - 5))
done
