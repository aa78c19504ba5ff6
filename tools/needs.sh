#!/usr/bin/env bash
# Makes sure that the programs which the tests drive are there. As root on a Debian-like system it installs what is missing;
# elsewhere it says plainly what will be left out. It never fails because of a missing program: the tests that need it skip.
set -euo pipefail

# program:package:what is left out without it
needs=(
	"tmux:tmux:tests that drive the program in a real terminal"
	"gcc:gcc libc6-dev:the race detector"
	"python3:python3:the check of both systems' figures from outside Go"
)

missing=()
packages=()
for n in "${needs[@]}"; do
	IFS=: read -r program package what <<<"$n"
	if ! command -v "$program" >/dev/null 2>&1; then
		missing+=("$n")
		read -ra more <<<"$package"
		packages+=("${more[@]}")
	fi
done
[ ${#missing[@]} -eq 0 ] && exit 0

if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
	echo "installing ${packages[*]}" >&2
	export DEBIAN_FRONTEND=noninteractive
	{ apt-get update -qq && apt-get install -y -qq --no-install-recommends "${packages[@]}"; } >&2 ||
		echo "apt-get failed; going on without" >&2
fi

for n in "${missing[@]}"; do
	IFS=: read -r program package what <<<"$n"
	command -v "$program" >/dev/null 2>&1 ||
		echo "LEFT OUT: $what, since there is no $program (Debian: apt-get install $package)" >&2
done
exit 0
