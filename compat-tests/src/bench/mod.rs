//! Servers under load: the benchmark and what the durability tests share.
//!
//! * [`arena`]: namespaces with one veth, a directory on a real disk, a reader of `/dev/log` whose CPU is not the server's.
//! * [`server`]: ISC dhcpd, ours, Kea and dnsmasq: their configuration, their start, their CPU.
//! * [`measure`]: one server in one pool: rates, CPU, latency.
//! * [`overload`]: a server held to a share of a processor, offered up to ten times what it completes.
//! * [`size`]: ours in a small pool, a large one, and a large one that is nearly full, by turns.
//! * [`start`]: large lease files and configurations: time to the first answer, memory, and service beside the rewrite.
//! * [`check`]: what must hold, and whether it does.
//! * [`table`]: how the results are shown.

pub mod arena;
pub mod check;
pub mod measure;
pub mod overload;
pub mod server;
pub mod size;
pub mod start;
pub mod table;
