#!/bin/sh
# Replaces the workers by ones of the present image: the new ones work before the old ones stop, and those finish what
# they hold.
set -eu
old=$(docker compose ps --quiet worker)
count=$(echo "$old" | wc -l)
docker compose up --detach --wait --no-deps --no-recreate --scale worker=$((2 * count)) worker
# shellcheck disable=SC2086 # one word an id
docker stop $old && docker rm $old
docker compose up --detach --wait --no-deps --no-recreate --scale worker="$count" worker
