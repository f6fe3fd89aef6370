"""What isc_dhcp_leases (PyPI) makes of a lease file: all leases, then the current ones."""
import sys
from isc_dhcp_leases import IscDhcpLeases

leases = IscDhcpLeases(sys.argv[1])


def show(lease):
    fields = ("ip", "ethernet", "hardware", "hostname", "start", "end", "binding_state", "valid", "active", "sets", "options")
    return "; ".join(f"{field}={getattr(lease, field, None)}" for field in fields)


for lease in leases.get():
    print(show(lease))
print("current")
for hardware, lease in sorted(leases.get_current().items()):
    print(hardware, show(lease))
