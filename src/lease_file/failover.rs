//! `failover peer "NAME" state { .. }`

use super::reader::Reader;
use super::{FailoverRecord, PeerState, Role, message};
use crate::eval::parse::date::date;
use crate::eval::parse::number::atoi;
use crate::syntax::cursor::Cursor;
use crate::syntax::keyword::Keyword as K;
use crate::syntax::token::Kind;

fn lost(cursor: &mut Cursor, kind: Kind, text: &str) -> bool {
    cursor.warn(text);
    if !kind.is(';') {
        cursor.skip_to_semicolon();
    }
    false
}

/// False when nothing of the record is kept.
pub(super) fn state(reader: &mut Reader, cursor: &mut Cursor) -> bool {
    if cursor.next() != Kind::Keyword(K::Peer) {
        cursor.warn(message::PEER_EXPECTED);
        cursor.skip_to_semicolon();
        return false;
    }
    let kind = cursor.next();
    if !kind.is_identifier() && kind != Kind::Str {
        cursor.warn(message::PEER_NAME_EXPECTED);
        cursor.skip_to_semicolon();
        return false;
    }
    let name = cursor.word().into_owned();
    let Some(role) = reader.declarations.failover_peer_role(&name) else {
        cursor.warn(message::unknown_peer(&name));
        cursor.skip_to_semicolon();
        return false;
    };
    let kind = cursor.next();
    if kind != Kind::Keyword(K::State) {
        return lost(cursor, kind, message::STATE_EXPECTED);
    }
    let kind = cursor.next();
    if !kind.is('{') {
        return lost(cursor, kind, message::LEFT_BRACE);
    }
    let mut record = FailoverRecord { name, ..FailoverRecord::default() };
    if let Err(text) = settings(reader, cursor, role, &mut record) {
        cursor.warn(text);
        cursor.skip_to_right_brace(1);
    }
    reader.consumer.failover_state(record);
    true
}

fn settings(
    reader: &Reader,
    cursor: &mut Cursor,
    role: Role,
    record: &mut FailoverRecord,
) -> Result<(), &'static str> {
    loop {
        let who = match cursor.next() {
            Kind::Char(b'}') => return Ok(()),
            Kind::Keyword(K::My) => &mut record.my,
            Kind::Keyword(K::Partner) => &mut record.partner,
            Kind::Keyword(K::Mclt) if role == Role::Primary => return Err(message::MCLT_IN_PRIMARY),
            Kind::Keyword(K::Mclt) => {
                if cursor.next() != Kind::Number {
                    return Err(message::NUMBER_EXPECTED);
                }
                record.mclt = Some(atoi(cursor.word_octets()));
                cursor.semicolon();
                continue;
            }
            _ => return Err(message::STATE_SETTING_EXPECTED),
        };
        if cursor.next() != Kind::Keyword(K::State) {
            return Err(message::STATE_EXPECTED);
        }
        if let Some(state) = peer_state(reader, cursor) {
            *who = Some(state);
        }
    }
}

/// A state is taken only when all of it could be read, since only then it was wholly written.
fn peer_state(reader: &Reader, cursor: &mut Cursor) -> Option<PeerState> {
    let state = match cursor.next() {
        Kind::Keyword(K::UnknownState) => "unknown-state",
        Kind::Keyword(K::PartnerDown) => "partner-down",
        Kind::Keyword(K::Normal) => "normal",
        Kind::Keyword(K::CommunicationsInterrupted) => "communications-interrupted",
        Kind::Keyword(K::ConflictDone) => "conflict-done",
        Kind::Keyword(K::ResolutionInterrupted) => "resolution-interrupted",
        Kind::Keyword(K::PotentialConflict) => "potential-conflict",
        Kind::Keyword(K::Recover) => "recover",
        Kind::Keyword(K::RecoverWait) => "recover-wait",
        Kind::Keyword(K::RecoverDone) => "recover-done",
        Kind::Keyword(K::Shutdown) => "shutdown",
        Kind::Keyword(K::Paused) => "paused",
        Kind::Keyword(K::Startup) => "startup",
        _ => {
            cursor.warn(message::UNKNOWN_FAILOVER_STATE);
            cursor.skip_to_semicolon();
            return None;
        }
    };
    let since = match cursor.next() {
        Kind::Char(b';') => reader.now,
        Kind::Keyword(K::At) => date(cursor),
        _ => {
            cursor.warn(message::AT_EXPECTED);
            cursor.skip_to_semicolon();
            return None;
        }
    };
    (since != 0).then_some(PeerState { state, since })
}
