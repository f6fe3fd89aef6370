# Sourced by the scripts beside it: what the tests need from Debian, installed where it is missing. The DHCP server's package
# must not leave a service running, so services are forbidden to start while it is being installed.

wanted=()
command -v ip >/dev/null || wanted+=(iproute2)
[ -x /usr/sbin/dhcpd ] || wanted+=(isc-dhcp-server)
command -v udhcpc >/dev/null || wanted+=(udhcpc)
command -v dhclient >/dev/null || wanted+=(isc-dhcp-client)
command -v dhcpcd >/dev/null || wanted+=(dhcpcd-base)
[ -x /usr/sbin/perfdhcp ] || wanted+=(kea-admin)
command -v strace >/dev/null || wanted+=(strace)
# A wall clock that a test can set without setting the machine's: tests/clock.rs.
command -v faketime >/dev/null || wanted+=(faketime)
# Counts instructions: tests/cost.rs.
command -v valgrind >/dev/null || wanted+=(valgrind)
command -v nft >/dev/null || wanted+=(nftables)
[ -x /usr/sbin/mkfs.ext4 ] || wanted+=(e2fsprogs)
# Readers of lease files and logs: tests/readers.rs.
command -v dhcpd-pools >/dev/null || wanted+=(dhcpd-pools)
command -v augtool >/dev/null || wanted+=(augeas-tools)
command -v logwatch >/dev/null || wanted+=(logwatch)
[ -e /usr/share/perl5/Text/DHCPLeases.pm ] || wanted+=(libtext-dhcpleases-perl)
[ -e /etc/logcheck/ignore.d.server/isc-dhcp-server ] || wanted+=(logcheck-database)
[ -x /usr/share/munin/plugins/dhcpd3 ] || wanted+=(munin-plugins-core)
perl -MNet::Netmask -MHTTP::Date -MNet::IP -e1 2>/dev/null || wanted+=(libnet-netmask-perl libhttp-date-perl libnet-ip-perl)
[ -x /usr/lib/nagios/plugins/check_dhcp ] || wanted+=(monitoring-plugins-basic)
python3 -c 'import venv, ensurepip' 2>/dev/null || wanted+=(python3-venv)
if [ ${#wanted[@]} -gt 0 ]; then
    if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
        echo "missing: ${wanted[*]} (root and Debian are needed to install them)" >&2
        exit 1
    fi
    policy=/usr/sbin/policy-rc.d
    if [ ! -e $policy ]; then
        printf '#!/bin/sh\nexit 101\n' >$policy
        chmod +x $policy
        forbidden=yes
    fi
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${wanted[@]}"
    if [ "${forbidden:-}" = yes ]; then rm -f $policy; fi
    if command -v systemctl >/dev/null; then
        systemctl disable --quiet --now isc-dhcp-server 2>/dev/null || true
    fi
fi
# Beside the build, where the test looks for it.
venv=${CARGO_TARGET_DIR:-$(dirname "${BASH_SOURCE[0]}")/../target}/pypureomapi
if [ ! -x "$venv/bin/python3" ] || ! "$venv/bin/python3" -c 'import pypureomapi' 2>/dev/null; then
    python3 -m venv "$venv" && "$venv/bin/pip" install --quiet --disable-pip-version-check pypureomapi==1.1 ||
        echo "pypureomapi could not be installed: its tests say so and do nothing" >&2
fi
unset wanted policy forbidden venv
