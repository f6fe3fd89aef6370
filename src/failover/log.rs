//! Every line that failover says: ISC's texts.

use super::message::Fault;
use super::state::State;
use crate::log::{Line, text_of};
use std::net::Ipv4Addr;

pub fn i_move(name: &str, from: State, to: State) -> Line {
    Line::info(format!("failover peer {name}: I move from {} to {}", from.name(), to.name()))
}

pub fn peer_moves(name: &str, from: State, to: State) -> Line {
    Line::info(format!("failover peer {name}: peer moves from {} to {}", from.name(), to.name()))
}

pub fn both_normal(name: &str) -> Line {
    Line::info(format!("failover peer {name}: Both servers normal"))
}

pub fn requesting_full_update(name: &str) -> Line {
    Line::info(format!("failover peer {name}: requesting full update from peer"))
}

pub fn update_completed(name: &str) -> Line {
    Line::info(format!("failover peer {name}: peer update completed."))
}

pub fn disconnected(name: &str) -> Line {
    Line::info(format!("peer {name}: disconnected"))
}

pub fn timeout(name: &str) -> Line {
    Line::error(format!("timeout waiting for failover peer {name}"))
}

pub fn link_startup_timeout() -> Line {
    Line::info("failover: link startup timeout")
}

pub fn no_matching_state() -> Line {
    Line::info("failover: listener: no matching state")
}

pub fn connect_refused(name: &[u8], text: &str) -> [Line; 2] {
    [
        Line::error(format!("Failover CONNECT from {}: {text}", text_of(name))),
        Line::info(format!("failover: disconnect: {text}")),
    ]
}

pub fn connect_rejected(name: &str, reason: &str) -> Line {
    Line::error(format!("Failover CONNECT to {name} rejected: {reason}"))
}

pub fn bad_connect_ack(name: &str, text: &str) -> Line {
    Line::error(format!("Failover CONNECTACK from {name}: {text}"))
}

pub fn other_name(name: &[u8]) -> String {
    format!("remote failover relationship name {} does not match", text_of(name))
}

pub fn disconnect(name: &str, reason: &str) -> Line {
    Line::error(format!("Failover DISCONNECT from {name}: {reason}"))
}

pub fn connect_failed(name: &str, first: bool, text: &str) -> Line {
    let text = format!("failover peer {name}: {text}");
    if first { Line::error(text) } else { Line::info(text) }
}

/// The lines for a message that cannot be read.
pub fn fault(fault: Fault) -> Vec<Line> {
    let detail = match fault {
        Fault::Length | Fault::Offset => None,
        Fault::OverflowAtCode => Some("message overflow at option code.".into()),
        Fault::OverflowAtLength => Some("message overflow at length.".into()),
        Fault::OverflowAtData => Some("message overflow at data.".into()),
        Fault::InvalidType(number) => Some(format!("invalid message type: {number}")),
        Fault::Duplicate(option) => Some(format!("duplicate option {option}")),
        Fault::Size { got, wanted, option } => Some(format!("option size ({got}:{wanted}), option {option}")),
    };
    let result = if fault == Fault::Length { "unexpected error" } else { "protocol error" };
    let mut lines: Vec<Line> =
        detail.map(|text| Line::error(format!("FAILOVER: {text}"))).into_iter().collect();
    lines.push(Line::info(format!("message length wait: {result}")));
    lines
}

/// `hba` begins with what a version 3.0 server sends in its place.
pub fn old_version() -> Line {
    Line::error(
        "WARNING: failover as of versions 3.1.0 and on are not reverse compatible with versions 3.0.x.",
    )
}

pub fn sent_update_request(name: &str, all: bool) -> Line {
    Line::info(format!("Sent update request {}message to {name}", if all { "all " } else { "" }))
}

pub fn update_request_not_sent(name: &str) -> Line {
    Line::error(format!("Failed to send update request all message to {name}: socket is not connected"))
}

pub fn not_put() -> Line {
    Line::info("dhcp_failover_put_message: something went wrong.")
}

pub fn sent_update_done(name: &str) -> Line {
    Line::info(format!("Sent update done message to {name}"))
}

pub fn update_request(name: &str, all: bool, pending: bool) -> Line {
    let all = if all { " all" } else { "" };
    let what = if pending { "sending update" } else { "nothing pending" };
    Line::info(format!("Update request{all} from {name}: {what}"))
}

pub fn update_still_flying() -> Line {
    Line::info("Received update request while old update still flying!  Silently discarding old request.")
}

pub fn sending_updates(name: &str) -> Line {
    Line::info(format!("Sending updates to {name}."))
}

pub fn update_rejected(address: Ipv4Addr, name: &str, text: &str) -> Line {
    Line::error(format!("bind update on {address} from {name} rejected: {text}"))
}

pub fn odd_ack(address: Ipv4Addr, name: &str, text: &str) -> Line {
    Line::info(format!("bind update on {address} got ack from {name}: {text}."))
}

pub fn unknown_flags(flags: u16) -> Line {
    Line::info(format!("Unknown IP-flags set in BNDUPD (0x{flags:x})."))
}

/// Sizes of a pool and how far it is from balance.
#[derive(Clone, Copy, Debug)]
pub struct Balance<'a> {
    /// ISC prints where the pool lies in memory; ours is its number.
    pub pool: u32,
    pub network: &'a str,
    pub total: u64,
    pub free: u64,
    pub backup: u64,
    pub to_send: i64,
}

impl Balance<'_> {
    fn text(&self, word: &str) -> String {
        let Balance { pool, network, total, free, backup, to_send } = self;
        format!(
            "{word} pool {pool:x} {network}  total {total}  free {free}  backup {backup}  lts {to_send}  "
        )
    }
}

pub fn balancing(balance: &Balance<'_>, hold: i64, requesting: bool) -> Line {
    let tail = if requesting { "  (requesting peer rebalance!)" } else { "" };
    Line::info(format!("{}max-own (+/-){hold}{tail}", balance.text("balancing")))
}

pub fn balanced(balance: &Balance<'_>, threshold: i64) -> Line {
    if balance.to_send > threshold {
        return Line::error(format!("{}max-misbal {threshold}", balance.text("IMBALANCED")));
    }
    Line::info(format!("{}max-misbal {threshold}", balance.text("balanced")))
}

pub fn pool_response(leases: u32) -> Line {
    Line::info(format!("pool response: {leases} leases"))
}

pub fn answering_negatively(name: &str) -> Line {
    Line::info(format!(
        "peer {name}: Got POOLREQ, answering negatively!  Peer may be out of leases or database inconsistent."
    ))
}

pub fn both_recover_done() -> Line {
    Line::error("Both servers have entered recover-done!")
}

pub fn invalid_transition(name: &str, from: State, to: State) -> Line {
    Line::error(format!("Peer {name}: Invalid state transition {} to {}.", from.name(), to.name()))
}

pub fn normal_during_conflict(name: &str) -> Line {
    Line::error(format!("Peer {name} moves to normal during conflict resolution - panic, shutting down."))
}

pub fn unexpected_conflict_done(name: &str) -> Line {
    Line::error(format!("Peer {name}: Unexpected move to conflict-done."))
}

pub fn invalid_move_in_conflict_done(name: &str, from: State, to: State) -> Line {
    Line::error(format!(
        "Peer {name}: Invalid attempt to move from {} to {} while local state is conflict-done.",
        from.name(),
        to.name()
    ))
}

pub fn invalid_state(name: &str, number: u8) -> Line {
    Line::error(format!("failover peer {name}: Invalid state: {number}"))
}

pub fn spurious_update_done() -> Line {
    Line::error("Spurious update-done message.")
}

pub fn secondary_in_conflict_done() -> Line {
    Line::error("Secondary is in conflict_done state after conflict resolution, this is illegal.")
}

/// Ours alone: the peer does not keep to what it was told.
pub fn too_many_updates(name: &str, limit: usize) -> Line {
    Line::error(format!(
        "failover peer {name}: more than {limit} updates that were not acknowledged yet, disconnecting"
    ))
}
