"""Every public method of pypureomapi against the server on 127.0.0.1: what it gave or raised, a line each.

    calls.py USER SECRET        with a key (hmac-md5); `calls.py` alone without
"""

import inspect
import logging
import struct
import sys

import pypureomapi
from pypureomapi import Omapi, OmapiMessage

logging.disable(logging.CRITICAL)
KEY = tuple(word.encode() for word in sys.argv[1:3])
called = set()


class Noted(Omapi):
    """Notes which methods ran, also the ones that others call."""

    def __getattribute__(self, name):
        if not name.startswith("_") and callable(getattr(Omapi, name, None)):
            called.add(name)
        return super().__getattribute__(name)


def shown(value):
    if isinstance(value, dict):
        # Handles differ from server to server.
        handles = {"subnet", "pool", "host", b"subnet", b"pool", b"host"}
        value = {key: "HANDLE" if key in handles else shown(item) for key, item in value.items()}
        return "{" + ", ".join(f"{key!r}: {item}" for key, item in value.items()) + "}"
    if isinstance(value, OmapiMessage):
        names = ["opcode", "message", "obj"]
        return " ".join(f"{name}={shown(dict(item) if isinstance(item, list) else item)}"
                        for name in names for item in [getattr(value, name)])
    return repr(value)


def call(label, function, /, *arguments, **named):
    try:
        result = shown(function(*arguments, **named))
    except Exception as error:  # what is raised is part of the answer
        result = f"raised {type(error).__name__}: {error}"
    words = [shown(item) for item in arguments] + [f"{name}={item!r}" for name, item in named.items()]
    print(f"{label}({', '.join(words)}) -> {result}")


def connect(user=None, secret=None):
    return Noted("127.0.0.1", 7911, user, secret, timeout=20)


def open_message(kind, **values):
    message = OmapiMessage.open(kind)
    message.obj.extend((name.replace("_", "-").encode(), value) for name, value in values.items())
    return message


omapi = connect(*KEY)
every = dict(inspect.getmembers(omapi, callable))


def run(method, /, *arguments, **named):
    call(method, every[method], *arguments, **named)


run("check_connected")
# Leases of the lease file.
run("lookup_ip", "02:00:00:00:00:61")
run("lookup_ip", "02:00:00:00:00:99")
run("lookup_mac", "10.9.0.100")
run("lookup_mac", "10.9.0.110")
run("lookup_mac", "10.9.0.250")
run("lookup_hostname", "10.9.0.100")
run("lookup_hostname", "10.9.0.101")
run("lookup_by_lease", ip="10.9.0.100")
run("lookup_by_lease", ip="10.9.0.100", raw=True)
run("lookup_by_lease", mac="02:00:00:00:00:61")
run("lookup_by_lease", client_hostname="ahost")
run("lookup_by_lease", dhcp_client_identifier="an-id")
# Hosts.
run("add_host", "10.9.0.50", "02:00:00:00:01:01")
run("add_host", "10.9.0.51", "02:00:00:00:01:01")
run("add_host_supersede_name", "10.9.0.52", "02:00:00:00:01:02", "two")
run("add_host_supersede_name", "10.9.0.52", "02:00:00:00:01:09", "two")
run("add_host_without_ip", "02:00:00:00:01:03")
run("add_host_supersede", "10.9.0.54", "02:00:00:00:01:04", "four", "four-name", "10.9.0.1", "four.example")
routes = pypureomapi.encode_classless_static_routes([("10.8.0.0/16", "10.9.0.1")])
run("add_host_supersede", "10.9.0.55", "02:00:00:00:01:05", "five",
    statements="supersede dhcp-parameter-request-list 1, 3;")
run("add_host_supersede", "10.9.0.56", "02:00:00:00:01:06", "six", statements="nonsense here")
run("add_group", "printers", 'option domain-name "printers.example";')
run("add_group", "scanners", 'option domain-name "scanners.example";')
run("add_group", "printers", 'option domain-name "again.example";')
run("add_group", "broken", "nonsense here")
run("add_host_with_group", "10.9.0.57", "02:00:00:00:01:07", "printers")
run("add_host_with_group", "10.9.0.58", "02:00:00:00:01:08", "no-such-group")
for mac in range(1, 9):
    run("lookup_ip_host", f"02:00:00:00:01:{mac:02x}")
for name in ["two", "four", "five", "six", "declared", "nobody"]:
    run("lookup_host", name)
run("lookup_host_by_ip", "10.9.0.52")
run("lookup_host_host", "02:00:00:00:01:02")
run("lookup_host_host", "02:00:00:00:00:64")
run("lookup_by_host", name="four")
run("lookup_by_host", name="four", raw=True)
run("lookup_by_host", mac="02:00:00:00:01:04")
run("lookup_by_host", ip="10.9.0.54")
run("lookup_by_host", name="four", mac="02:00:00:00:01:02")
run("change_group", "two", "printers")
run("change_group", "two", "scanners")
run("change_group", "nobody", "scanners")
run("change_group", "two", "no-such-group")
run("lookup_by_host", name="two")
run("del_host", "02:00:00:00:01:02")
run("del_host", "02:00:00:00:01:02")
run("del_host", "02:00:00:00:00:64")
run("lookup_host", "two")
run("lookup_host", "declared")
# Failover, without any.
run("lookup_failoverstate", "nobody", "local-state")
run("lookup_by_failoverstate", name="nobody")
# Below the look-ups: messages as they are.
run("query_server", open_message(b"lease", ip_address=bytes([10, 9, 0, 100])))
run("query_server", open_message(b"class", name=b"known"))
run("query_server", open_message(b"nonsense"))
run("query_server", OmapiMessage(opcode=pypureomapi.OMAPI_OP_REFRESH, handle=9999, tid=-1))
run("query_server", OmapiMessage(opcode=pypureomapi.OMAPI_OP_NOTIFY, tid=-1))
run("query_server", OmapiMessage.delete(9999))
lease = omapi.query_server(open_message(b"lease", ip_address=bytes([10, 9, 0, 101])))
update = OmapiMessage.update(lease.handle)
update.update_object({b"note": b"by hand"})
run("query_server", update)
message = open_message(b"lease", ip_address=bytes([10, 9, 0, 101]))
omapi.send_message(message)
call("receive_response", omapi.receive_response, message)
if KEY:
    run("send_message", open_message(b"lease", ip_address=bytes([10, 9, 0, 101])), False)
    run("receive_message")
    call("wrong key", lambda: connect(KEY[0], b"d3Jvbmc=").lookup_mac("10.9.0.100"))
    call("unknown key", connect, b"nobody", KEY[1])
    call("no key", lambda: connect().lookup_mac("10.9.0.100"))
run("signal_shutdown")
run("close")
run("check_connected")
missing = {name for name in every if not name.startswith("_")} - called - {"protocol", "transport"}
print(f"methods not called: {sorted(missing)}")
