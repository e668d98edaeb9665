#!/bin/sh
# Makes the user of greenroom-relay.service. Nothing is started: both services need settings first.
set -e
if command -v systemd-sysusers >/dev/null 2>&1; then
	systemd-sysusers greenroom.conf
fi
if [ -d /run/systemd/system ]; then
	systemctl daemon-reload
fi
