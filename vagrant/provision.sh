#!/usr/bin/env bash
# Makes a Debian machine ready for dpilab: a Go that can build it, and the kernel modules that the box needs. Run as root.
set -euo pipefail
export DEBIAN_FRONTEND=noninteractive PATH=$PATH:/usr/local/go/bin

# From 1.21 on, Go fetches the version that go.mod asks for by itself.
has_go() { go version 2>/dev/null | grep -qE 'go1\.(2[1-9]|[3-9][0-9])'; }

packages=()
for p in curl gcc git; do command -v "$p" >/dev/null || packages+=("$p"); done
if ! has_go; then packages+=(golang-go); fi
if [ ${#packages[@]} -gt 0 ]; then
  # Backports of this Debian, from the mirror that the machine uses already: its own Go may be too old.
  . /etc/os-release
  mirror=$(grep -rhoE 'https?://[^ ]+/debian/?' /etc/apt/sources.list /etc/apt/sources.list.d | grep -v security | head -n 1)
  echo "deb $mirror $VERSION_CODENAME-backports main" > /etc/apt/sources.list.d/backports.list
  apt-get update -q
  apt-get install -y -q -t "$VERSION_CODENAME-backports" ca-certificates "${packages[@]}"
fi
has_go || { echo "no Go of 1.21 or later could be installed: see https://go.dev/doc/install" >&2; exit 1; }
go version

modules=(br_netfilter nfnetlink_queue nft_queue nft_compat xt_NFQUEUE sch_tbf veth)
loaded=()
for m in "${modules[@]}"; do
  if modprobe "$m" 2>/dev/null; then loaded+=("$m"); fi
done
if [ ${#loaded[@]} -gt 0 ]; then
  printf '%s\n' "${loaded[@]}" > /etc/modules-load.d/dpilab.conf
fi
echo "kernel modules loaded: ${loaded[*]:-none (built in, or missing: dpilab doctor tells)}"
