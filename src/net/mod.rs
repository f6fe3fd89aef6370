//! Interfaces and sockets: a packet socket with a kernel filter for each interface, the UDP socket for routed and relayed
//! replies, the ICMP socket for pings. Datagrams come in by batches and leave by batches; nothing here waits.

mod filter;
pub mod icmp;
mod inlet;
pub mod interface;
pub mod message;
pub mod outbox;
pub mod packet_socket;
mod system;
pub mod udp;
