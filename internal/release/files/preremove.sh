#!/bin/sh
# Stops the relay before its program is removed, and leaves it alone during an upgrade. Stores and configurations stay.
set -e
case "$1" in
upgrade | 1) exit 0 ;;
esac
if [ -d /run/systemd/system ]; then
	systemctl disable --now greenroom-relay.service || true
fi
