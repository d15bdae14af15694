#!/bin/sh
# Replaces the workers by ones of the present image: the new ones work before the old ones stop, and those finish what
# they hold. If the new ones do not get to work, they are removed, and the old ones stay.
# shellcheck disable=SC2086 # $old and $new are one word an id
set -eu
scale() { docker compose up --detach --wait --no-deps --no-recreate --scale worker="$1" worker; }

old=$(docker compose ps --quiet worker)
if [ -z "$old" ]; then
  echo "no worker runs that could be replaced: docker compose up --wait starts all" >&2
  exit 1
fi
docker compose rm --force worker # stopped ones, of the old image: they would be started in the place of new ones
count=$(echo "$old" | wc -l)
if ! scale $((2 * count)); then
  new=$(docker compose ps --all --quiet worker | grep -vxF "$old" || true)
  for worker in $new; do
    docker logs --tail 3 "$worker"
    docker rm --force "$worker"
  done
  echo "the new workers did not get to work: they are removed, and the old ones go on" >&2
  exit 1
fi
docker stop $old
docker rm $old
scale "$count"
