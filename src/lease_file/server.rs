//! The two statements of the file that concern the server itself.

use super::message;
use super::reader::Reader;
use crate::eval::parse::number::octets_or_string;
use crate::log::Line;
use crate::syntax::cursor::Cursor;
use crate::syntax::keyword::Keyword as K;
use crate::syntax::token::Kind;

/// In which order a machine keeps the octets of an integer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ByteOrder {
    Little,
    Big,
}

impl ByteOrder {
    /// This machine's.
    pub const HERE: ByteOrder =
        if cfg!(target_endian = "little") { ByteOrder::Little } else { ByteOrder::Big };
}

/// An integer of the file. A file that does not say its byte order is taken for one of this machine's.
pub(super) fn integer(reader: &mut Reader, cursor: &mut Cursor, octets: [u8; 4]) -> u32 {
    let order = *reader.byte_order.get_or_insert_with(|| {
        cursor.report().line(Line::error(message::BYTE_ORDER_MISSING));
        ByteOrder::HERE
    });
    match order {
        ByteOrder::Little => u32::from_le_bytes(octets),
        ByteOrder::Big => u32::from_be_bytes(octets),
    }
}

/// Longest DUID.
const ROOM: usize = 128;

pub(super) fn duid(reader: &mut Reader, cursor: &mut Cursor) -> bool {
    let duid = octets_or_string(cursor, ROOM);
    if duid.len() <= 2 {
        cursor.warn(message::INVALID_DUID);
        cursor.skip_to_semicolon();
        return false;
    }
    reader.consumer.server_duid(duid);
    cursor.semicolon();
    true
}

pub(super) fn byte_order(reader: &mut Reader, cursor: &mut Cursor) -> bool {
    if reader.byte_order.is_some() {
        cursor.warn(message::BYTE_ORDER_LATE);
        cursor.skip_to_semicolon();
        return false;
    }
    let order = match cursor.next() {
        Kind::Keyword(K::LittleEndian) => ByteOrder::Little,
        Kind::Keyword(K::BigEndian) => ByteOrder::Big,
        _ => {
            cursor.warn(message::BYTE_ORDER_INVALID);
            cursor.skip_to_semicolon();
            return false;
        }
    };
    reader.byte_order = Some(order);
    if order != ByteOrder::HERE {
        cursor.report().line(Line::error(message::BYTE_ORDER_DIFFERS));
    }
    if !cursor.next().is(';') {
        cursor.warn(message::SEMICOLON_EXPECTED);
        cursor.skip_to_semicolon();
    }
    true
}
