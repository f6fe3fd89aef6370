//! Two servers that are each other's failover peer, for real: three network namespaces on one bridge, each server the real
//! ISC dhcpd or ours, driven by a timetable (`failover/NAME.pair`). What the pair said and wrote is compared with
//! `failover/NAME.real`: what two real servers did.
//!
//! * [`scenario`]: the file format.
//! * [`place`]: namespaces, bridge, packet filter, the servers' `/dev/log`.
//! * [`client`]: what clients send and what they make of the answers.
//! * [`run`]: a scenario from the first step to the last.
//! * [`peer`], [`probe`]: a scripted peer for one server, and what it asks of it.
//! * [`declaration`]: declarations of peers through `-t` and `-T`.
//! * [`load`]: a pair under load, and when one of it is killed.
//! * [`aspect`]: what is compared, with times, addresses in memory and the like taken away; [`real`]: what it is compared with.

pub mod aspect;
pub mod client;
pub mod declaration;
pub mod load;
pub mod peer;
pub mod place;
pub mod probe;
pub mod real;
pub mod run;
pub mod scenario;
