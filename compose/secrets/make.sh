#!/bin/sh
# Makes the stack's secrets where they are missing: random, each in the volume of those who need it and of nobody else.
# The users of Redis are written anew each time, so that changed rules hold after the next start.
set -eu

random() { od -An -N24 -tx1 /dev/urandom | tr -d ' \n'; }
write_once() { [ -s "$1" ] || { printf '%s' "$2" >"$1" && chmod 444 "$1"; }; }
password_hash() { sed 's/.*:\(.*\)@.*/\1/' "$1" | tr -d '\n' | sha256sum | cut -d ' ' -f 1; }

write_once /secrets/quill/QUILL_REDIS_URL "redis://quill:$(random)@redis:6379/0"
write_once /secrets/flower/redis_url "redis://flower:$(random)@redis:6379/0"
write_once /secrets/flower/basic_auth "quill:$(random)"
write_once /secrets/grafana/admin_password "$(random)"

sed -e "s/QUILL_HASH/$(password_hash /secrets/quill/QUILL_REDIS_URL)/" \
  -e "s/FLOWER_HASH/$(password_hash /secrets/flower/redis_url)/" /users.acl >/secrets/redis/users.new
mv /secrets/redis/users.new /secrets/redis/users.acl
