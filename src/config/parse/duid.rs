//! `server-duid`

use super::super::message;
use super::super::model::ServerDuid;
use super::Reader;
use crate::eval::parse::number::{atoi, colon_separated_hex};
use crate::syntax::keyword::Keyword;
use crate::syntax::token::Kind;

/// DUID types of RFC 8415.
const LINK_LAYER_TIME: u16 = 1;
const ENTERPRISE: u16 = 2;
const LINK_LAYER: u16 = 3;

impl Reader<'_, '_> {
    pub(super) fn server_duid(&mut self) {
        self.cursor.next();
        let duid = match self.cursor.next() {
            Kind::Keyword(Keyword::En) => self.enterprise_duid(),
            Kind::Keyword(Keyword::Ll) => self.link_layer_duid(LINK_LAYER),
            Kind::Keyword(Keyword::Llt) => self.link_layer_duid(LINK_LAYER_TIME),
            Kind::Number => {
                let kind = atoi(self.cursor.word_octets()) as u16;
                self.identifier(kind.to_be_bytes().to_vec())
            }
            _ => {
                self.reject(message::DUID_TYPE);
                None
            }
        };
        let Some(duid) = duid else { return };
        self.config.server_duid = Some(duid);
        if !self.cursor.next().is(';') {
            self.reject(message::SEMICOLON_PLAIN);
        }
    }

    fn enterprise_duid(&mut self) -> Option<ServerDuid> {
        if self.cursor.next() != Kind::Number {
            self.reject(message::ENTERPRISE);
            return None;
        }
        let number = atoi(self.cursor.word_octets());
        let mut octets = ENTERPRISE.to_be_bytes().to_vec();
        octets.extend(number.to_be_bytes());
        self.identifier(octets)
    }

    fn identifier(&mut self, mut octets: Vec<u8>) -> Option<ServerDuid> {
        if self.cursor.next() != Kind::Str {
            self.reject(message::IDENTIFIER);
            return None;
        }
        octets.extend_from_slice(self.cursor.octets());
        Some(ServerDuid::Value(octets.into()))
    }

    /// `ll` and `llt`: the type alone, or a whole value.
    fn link_layer_duid(&mut self, kind: u16) -> Option<ServerDuid> {
        if self.cursor.peek().is(';') {
            return Some(ServerDuid::OfType(kind));
        }
        let hardware: u16 = match self.cursor.next() {
            Kind::Keyword(Keyword::Ethernet) => 1,
            Kind::Keyword(Keyword::TokenRing) => 6,
            Kind::Keyword(Keyword::Fddi) => 8,
            _ => {
                self.reject(message::HARDWARE_TYPE);
                return None;
            }
        };
        let mut octets = kind.to_be_bytes().to_vec();
        octets.extend(hardware.to_be_bytes());
        if kind == LINK_LAYER_TIME {
            if self.cursor.next() != Kind::Number {
                self.reject(message::TIMESTAMP);
                return None;
            }
            octets.extend(atoi(self.cursor.word_octets()).to_be_bytes());
        }
        octets.extend(colon_separated_hex(self.cursor)?);
        Some(ServerDuid::Value(octets.into()))
    }
}
