#!/bin/sh
# Install Debian packages as root or through a sudo that asks nothing; else say what to run.
set -eu

if ! command -v apt-get >/dev/null; then
    echo "This system has no apt-get: please install its counterpart of: $*" >&2
    exit 1
fi
if [ "$(id -u)" = 0 ]; then
    sudo=
elif sudo -n true 2>/dev/null; then
    sudo=sudo
else
    echo "Please run this line once, then the same make command again:" >&2
    echo "    sudo apt-get install --no-install-recommends -y $*" >&2
    exit 1
fi

echo "Installing with apt: $*"
export DEBIAN_FRONTEND=noninteractive
install="$sudo apt-get install --no-install-recommends -y -qq"
# a fresh machine has no package lists, an old one may have outdated ones
$install "$@" >/dev/null 2>&1 || { $sudo apt-get update -qq && $install "$@" >/dev/null; }
