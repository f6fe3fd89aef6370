//! `failover peer "NAME" { .. }`, its reference in a shared network, and `state`.

use super::super::message;
use super::super::model::{FailoverEnd, FailoverPeer};
use super::{Body, Place, Reader};
use crate::clock::Wall;
use crate::eval::ast::Name;
use crate::eval::parse::address::ip_address_or_host_name;
use crate::eval::parse::date::date;
use crate::eval::parse::number::{Count, atoi, octets};
use crate::log::Line;
use crate::syntax::keyword::Keyword;
use crate::syntax::source::Span;
use crate::syntax::token::Kind;

/// ISC's defaults for what is not said.
const PORT: u16 = 647;
const MAX_LEASE_MISBALANCE: u32 = 15;
const MAX_LEASE_OWNERSHIP: u32 = 10;
const MAX_BALANCE: u32 = 3600;
const MIN_BALANCE: u32 = 60;
const MAX_UNACKED_UPDATES: u32 = 100;
const MAX_RESPONSE_DELAY: u32 = 20;

/// Given up inside the braces; what is to be said has been said.
struct GivenUp;

impl Reader<'_, '_> {
    pub(super) fn failover(&mut self) {
        let place = self.place();
        if !matches!(place, Place::Root | Place::SharedNetwork) {
            self.cursor.warn(message::FAILOVER_NOT_HERE);
            self.say(Line::error(message::FAILOVER_NOT_HERE_2));
            return self.cursor.skip_to_semicolon();
        }
        self.cursor.next();
        let start = self.cursor.span();
        if self.cursor.next() != Kind::Keyword(Keyword::Peer) {
            return self.reject(message::FAILOVER_WORD);
        }
        let token = self.cursor.next();
        if !token.is_identifier() && token != Kind::Str {
            return self.reject(message::FAILOVER_NAME);
        }
        let name = self.cursor.name();
        let known = self.config.failover_peers.iter().position(|peer| peer.name == name);
        match self.cursor.next() {
            Kind::Char(b';') => return self.peer_reference(name, known.is_some()),
            Kind::Keyword(Keyword::State) => {
                return match known {
                    Some(at) => self.peer_state(at),
                    None => self.cursor.warn(message::state_of_unknown_peer(&name)),
                };
            }
            Kind::Char(b'{') => {}
            // ISC reads on as if it had been there.
            _ => self.reject(message::BRACE),
        }
        if known.is_some() {
            self.cursor.warn(message::peer_again(&name));
            return self.cursor.skip_to_right_brace(1);
        }
        let mut peer = new_peer(name, start);
        if self.peer_statements(&mut peer).is_ok() {
            self.enter_peer(peer);
        }
    }

    fn peer_reference(&mut self, name: Name, known: bool) {
        let Some(&Body::SharedNetwork(network)) = self.frames.last().map(|frame| &frame.body) else {
            return self.cursor.warn(message::REFERENCE_NOT_HERE);
        };
        if !known {
            return self.cursor.warn(message::unknown_peer(&name));
        }
        if let Some(network) = self.network_mut(network) {
            network.failover_peer = Some(name);
        }
    }

    fn peer_statements(&mut self, peer: &mut FailoverPeer) -> Result<(), GivenUp> {
        loop {
            let mut of_partner = false;
            let mut token = self.cursor.next();
            while token == Kind::Keyword(Keyword::Peer) {
                of_partner = true;
                token = self.cursor.next();
            }
            match token {
                Kind::Char(b'}') => return Ok(()),
                Kind::Keyword(keyword) => self.peer_statement(peer, keyword, of_partner)?,
                _ => return self.abandon_peer(message::PEER_STATEMENT),
            }
            if !self.cursor.semicolon() {
                self.cursor.skip_to_right_brace(1);
                return Err(GivenUp);
            }
        }
    }

    fn abandon_peer<T>(&mut self, text: &str) -> Result<T, GivenUp> {
        self.cursor.warn(text);
        self.cursor.skip_to_right_brace(1);
        Err(GivenUp)
    }

    fn peer_statement(
        &mut self,
        peer: &mut FailoverPeer,
        keyword: Keyword,
        of_partner: bool,
    ) -> Result<(), GivenUp> {
        let end = if of_partner { &mut peer.partner } else { &mut peer.local };
        match keyword {
            Keyword::Primary => peer.primary = true,
            Keyword::Secondary => {
                peer.primary = false;
                if peer.hba.is_some() {
                    self.cursor.warn(message::SECONDARY_BALANCE);
                }
            }
            Keyword::Address => match ip_address_or_host_name(self.cursor, false) {
                // ISC keeps the first, and complains about itself.
                Some(_) if end.address.is_some() => self.say(Line::error(message::SECOND_PEER_ADDRESS)),
                Some(address) => end.address = Some(address),
                None => {
                    self.cursor.skip_to_right_brace(1);
                    return Err(GivenUp);
                }
            },
            Keyword::Port => {
                if self.cursor.next() != Kind::Number {
                    // ISC goes on here, and then misses the semicolon.
                    self.cursor.warn(message::NUMBER);
                    self.cursor.skip_to_right_brace(1);
                }
                end.port = atoi(self.cursor.word_octets()) as u16;
            }
            Keyword::MaxLeaseMisbalance => peer.max_lease_misbalance = self.peer_number()?,
            Keyword::MaxLeaseOwnership => peer.max_lease_ownership = self.peer_number()?,
            Keyword::MaxBalance => peer.max_balance = self.peer_number()?,
            Keyword::MinBalance => peer.min_balance = self.peer_number()?,
            Keyword::AutoPartnerDown => peer.auto_partner_down = self.peer_number()?,
            Keyword::MaxResponseDelay => end.max_response_delay = self.peer_number()?,
            Keyword::MaxUnackedUpdates => end.max_unacked_updates = self.peer_number()?,
            Keyword::Mclt => peer.mclt = self.peer_number()?,
            Keyword::Hba => self.hba(peer)?,
            Keyword::Split => self.split(peer)?,
            Keyword::Load => self.load_balance(peer),
            _ => return self.abandon_peer(message::PEER_STATEMENT),
        }
        Ok(())
    }

    fn peer_number(&mut self) -> Result<u32, GivenUp> {
        if self.cursor.next() != Kind::Number {
            return self.abandon_peer(message::NUMBER_STOP);
        }
        Ok(atoi(self.cursor.word_octets()) as u32)
    }

    fn hba(&mut self, peer: &mut FailoverPeer) -> Result<(), GivenUp> {
        if !peer.primary {
            self.cursor.warn(message::SECONDARY_BALANCE);
        }
        let Some(buckets) = octets(self.cursor, Count::Exactly(32), b':', 16) else {
            self.cursor.skip_to_right_brace(1);
            return Err(GivenUp);
        };
        match <[u8; 32]>::try_from(buckets) {
            Ok(buckets) => peer.hba = Some(Box::new(buckets)),
            Err(_) => self.cursor.warn(message::HBA_LENGTH),
        }
        Ok(())
    }

    fn split(&mut self, peer: &mut FailoverPeer) -> Result<(), GivenUp> {
        let token = self.cursor.next();
        let value = atoi(self.cursor.word_octets());
        if !peer.primary {
            self.cursor.warn(message::SECONDARY_BALANCE);
        }
        if token != Kind::Number {
            return self.abandon_peer(message::NUMBER);
        }
        match usize::try_from(value) {
            Ok(split @ 0..=256) => {
                let mut buckets = [0u8; 32];
                for bucket in 0..split {
                    if let Some(octet) = buckets.get_mut(bucket / 8) {
                        *octet |= 1 << (bucket % 8);
                    }
                }
                peer.hba = Some(Box::new(buckets));
            }
            _ => self.cursor.warn(message::SPLIT),
        }
        Ok(())
    }

    fn load_balance(&mut self, peer: &mut FailoverPeer) {
        let words = [
            (Keyword::Balance, message::BALANCE),
            (Keyword::Max, message::MAX),
            (Keyword::Seconds, message::SECS),
        ];
        for (word, text) in words {
            if self.cursor.next() != Kind::Keyword(word) {
                self.cursor.warn(text);
                return self.cursor.skip_to_right_brace(1);
            }
        }
        if self.cursor.next() != Kind::Number {
            self.cursor.warn(message::NUMBER);
            return self.cursor.skip_to_right_brace(1);
        }
        peer.load_balance_max_seconds = atoi(self.cursor.word_octets()) as u32;
    }

    fn enter_peer(&mut self, mut peer: FailoverPeer) {
        if peer.partner.address.is_none() {
            self.cursor.warn(message::PEER_ADDRESS);
        }
        if peer.primary {
            if peer.hba.is_none() {
                self.cursor.warn(message::PRIMARY_BALANCE);
            } else if peer.mclt == 0 {
                self.cursor.warn(message::PRIMARY_MCLT);
            }
        }
        for port in [&mut peer.local.port, &mut peer.partner.port] {
            if *port == 0 {
                *port = PORT;
            }
        }
        for (value, default) in [
            (&mut peer.max_lease_misbalance, MAX_LEASE_MISBALANCE),
            (&mut peer.max_lease_ownership, MAX_LEASE_OWNERSHIP),
            (&mut peer.max_balance, MAX_BALANCE),
            (&mut peer.min_balance, MIN_BALANCE),
            (&mut peer.local.max_unacked_updates, MAX_UNACKED_UPDATES),
            (&mut peer.local.max_response_delay, MAX_RESPONSE_DELAY),
        ] {
            if *value == 0 {
                *value = default;
            }
        }
        if let Some(&Body::SharedNetwork(network)) = self.frames.last().map(|frame| &frame.body)
            && let Some(network) = self.network_mut(network)
        {
            network.failover_peer = Some(peer.name.clone());
        }
        self.config.failover_peers.push(peer);
    }

    /// `failover peer "NAME" state { my state S at T; partner state S at T; mclt N; }`
    fn peer_state(&mut self, at: usize) {
        let token = self.cursor.next();
        if !token.is('{') {
            return self.reject_at(token, message::BRACE);
        }
        let primary = self.config.failover_peers.get(at).is_some_and(|peer| peer.primary);
        loop {
            let keyword = match self.cursor.next() {
                Kind::Char(b'}') => return,
                Kind::Keyword(keyword @ (Keyword::My | Keyword::Partner | Keyword::Mclt)) => keyword,
                _ => {
                    self.cursor.warn(message::STATE_SETTING);
                    return self.cursor.skip_to_right_brace(1);
                }
            };
            let fault = match keyword {
                Keyword::Mclt if primary => Some(message::MCLT_PRIMARY),
                Keyword::Mclt if self.cursor.next() != Kind::Number => Some(message::A_NUMBER_STOP),
                Keyword::Mclt => {
                    let mclt = atoi(self.cursor.word_octets()) as u32;
                    if let Some(peer) = self.config.failover_peers.get_mut(at) {
                        peer.mclt = mclt;
                    }
                    self.cursor.semicolon();
                    None
                }
                _ if self.cursor.next() != Kind::Keyword(Keyword::State) => Some(message::STATE_WORD),
                _ => {
                    if let (Some(state), Some(peer)) =
                        (self.failover_state(), self.config.failover_peers.get_mut(at))
                    {
                        let end = if keyword == Keyword::My { &mut peer.local } else { &mut peer.partner };
                        end.state = Some(state);
                    }
                    None
                }
            };
            if let Some(text) = fault {
                self.cursor.warn(text);
                return self.cursor.skip_to_right_brace(1);
            }
        }
    }

    fn failover_state(&mut self) -> Option<(Name, Wall)> {
        use Keyword::*;
        let Kind::Keyword(
            UnknownState
            | PartnerDown
            | Normal
            | CommunicationsInterrupted
            | ConflictDone
            | ResolutionInterrupted
            | PotentialConflict
            | Recover
            | RecoverWait
            | RecoverDone
            | Shutdown
            | Paused
            | Startup,
        ) = self.cursor.next()
        else {
            self.reject(message::UNKNOWN_STATE);
            return None;
        };
        let state = self.cursor.name();
        let token = self.cursor.next();
        if token.is(';') {
            return Some((state, 0));
        }
        if token != Kind::Keyword(At) {
            self.reject(message::AT);
            return None;
        }
        let since = date(self.cursor);
        (since != 0).then_some((state, since))
    }
}

fn new_peer(name: Name, span: Span) -> FailoverPeer {
    FailoverPeer {
        name,
        primary: true,
        local: FailoverEnd::default(),
        partner: FailoverEnd::default(),
        mclt: 0,
        hba: None,
        load_balance_max_seconds: 0,
        auto_partner_down: 0,
        max_lease_misbalance: 0,
        max_lease_ownership: 0,
        min_balance: 0,
        max_balance: 0,
        pool_count: 0,
        span,
    }
}
