//! The two statements of the file that concern the server itself.

use super::message;
use super::reader::Reader;
use crate::eval::parse::number::octets_or_string;
use crate::log::Line;
use crate::syntax::cursor::Cursor;
use crate::syntax::keyword::Keyword as K;
use crate::syntax::token::Kind;

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
    if reader.byte_order_known {
        cursor.warn(message::BYTE_ORDER_LATE);
        cursor.skip_to_semicolon();
        return false;
    }
    let little = match cursor.next() {
        Kind::Keyword(K::LittleEndian) => true,
        Kind::Keyword(K::BigEndian) => false,
        _ => {
            cursor.warn(message::BYTE_ORDER_INVALID);
            cursor.skip_to_semicolon();
            return false;
        }
    };
    reader.byte_order_known = true;
    if little != cfg!(target_endian = "little") {
        cursor.report().line(Line::error(message::BYTE_ORDER_DIFFERS));
    }
    if !cursor.next().is(';') {
        cursor.warn(message::SEMICOLON_EXPECTED);
        cursor.skip_to_semicolon();
    }
    true
}
