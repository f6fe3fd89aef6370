//! Relationships and connections as octets: see `crate::server::export`. What the configuration says is not in them.

use super::Failover;
use super::link::{Link, Stage};
use super::relationship::{Pending, Relationship, Timers};
use super::state::State;
use crate::lease::binding;
use crate::lease::queue::BindingId;
use crate::lease::store::{RewriteWalk, Store};
use crate::octets::{Damaged, Octets, Put, Result};
use crate::stream::StreamId;

/// A moment of the exporting process's monotonic clock on that of the one that takes over.
pub type Moved<'a> = dyn Fn(u64) -> u64 + 'a;

fn put_link(out: &mut Vec<u8>, id: StreamId) {
    out.u64(id.0);
}

fn link_id(octets: &mut Octets<'_>) -> Result<StreamId> {
    Ok(StreamId(octets.u64()?))
}

fn put_id(out: &mut Vec<u8>, id: BindingId) {
    out.u32(Store::number(id));
}

fn state(octets: &mut Octets<'_>) -> Result<State> {
    State::from_number(octets.u8()?).ok_or(Damaged("a failover state"))
}

impl Failover {
    pub fn export(&self, out: &mut Vec<u8>) {
        out.bool(self.is_started);
        out.u64(self.next_link);
        out.u64(self.random);
        out.u64(self.identity);
        out.count(self.relationships.len());
        self.relationships.iter().for_each(|relationship| relationship.export(out));
        let mut links: Vec<_> = self.links.iter().collect();
        links.sort_unstable_by_key(|(id, _)| **id);
        out.count(links.len());
        for (id, link) in links {
            put_link(out, *id);
            link.export(out);
        }
    }

    /// Reads into what the same configuration says; the bindings are in `store` already.
    pub fn import(&mut self, octets: &mut Octets<'_>, store: &Store, moved: &Moved<'_>) -> Result<()> {
        self.is_started = octets.bool()?;
        self.next_link = octets.u64()?;
        self.random = octets.u64()?;
        self.identity = octets.u64()?;
        if octets.count(1)? != self.relationships.len() {
            return Err(Damaged("the same failover peers"));
        }
        for relationship in &mut self.relationships {
            relationship.import(octets, store, moved)?;
        }
        for _ in 0..octets.count(20)? {
            let id = link_id(octets)?;
            let link = Link::import(octets, self.relationships.len(), moved)?;
            self.links.insert(id, link);
        }
        Ok(())
    }
}

impl Timers {
    fn each(&mut self) -> [&mut Option<u64>; 9] {
        [
            &mut self.startup,
            &mut self.reconnect,
            &mut self.contact,
            &mut self.receive,
            &mut self.acknowledge,
            &mut self.auto_partner_down,
            &mut self.recover_wait,
            &mut self.balance,
            &mut self.refused,
        ]
    }
}

impl Relationship {
    fn export(&self, out: &mut Vec<u8>) {
        out.text(&self.name);
        for state in [self.my, self.stored, self.partner] {
            out.u8(state.number());
        }
        for time in [self.my_since, self.partner_since, self.balanced_at] {
            out.i64(time);
        }
        for number in [self.mclt, self.peers_max_unacked, self.peers_receive_timer, self.update_request] {
            out.u32(number);
        }
        out.option(self.buckets.as_deref(), |out, buckets| out.put(buckets));
        out.option(self.link, put_link);
        out.option(self.connecting, put_link);
        out.bool(self.is_our_kind);
        out.u64(self.peers_identity);
        out.bool(self.tell_all);
        out.option(self.telling.as_ref(), |out, walk| walk.put(out));
        out.bool(self.asked_for_all);
        self.timers.clone().each().iter().for_each(|timer| out.option(**timer, Vec::u64));
        out.u64(self.sequence);
        out.count(self.attempts);
        out.u64(self.sent_count);
        out.count(self.updates.len());
        self.updates.iter().for_each(|id| put_id(out, *id));
        let mut pending: Vec<_> = self.pending.iter().collect();
        pending.sort_unstable_by_key(|(id, _)| **id);
        out.count(pending.len());
        for (id, pending) in pending {
            put_id(out, *id);
            out.u32(pending.xid);
            out.option(pending.sent, Vec::u64);
            out.u8(pending.desired as u8);
            out.bool(pending.may_be_known);
        }
        out.count(self.to_acknowledge.len());
        for (address, xid) in &self.to_acknowledge {
            out.address(*address);
            out.u32(*xid);
        }
        out.option(self.update_done_after, put_id);
        out.count(self.refused.len());
        self.refused.iter().for_each(|id| put_id(out, *id));
        let mut told: Vec<_> = self.told_again.iter().collect();
        told.sort_unstable_by_key(|(id, _)| **id);
        out.count(told.len());
        for (id, at) in told {
            put_id(out, *id);
            out.u64(*at);
        }
    }

    fn import(&mut self, octets: &mut Octets<'_>, store: &Store, moved: &Moved<'_>) -> Result<()> {
        if octets.text()? != &*self.name {
            return Err(Damaged("the same failover peer"));
        }
        let id = |octets: &mut Octets<'_>| store.numbered(octets.u32()?);
        for place in [&mut self.my, &mut self.stored, &mut self.partner] {
            *place = state(octets)?;
        }
        for time in [&mut self.my_since, &mut self.partner_since, &mut self.balanced_at] {
            *time = octets.i64()?;
        }
        for number in [
            &mut self.mclt,
            &mut self.peers_max_unacked,
            &mut self.peers_receive_timer,
            &mut self.update_request,
        ] {
            *number = octets.u32()?;
        }
        self.buckets = octets.option(Octets::array)?.map(Box::new);
        self.link = octets.option(link_id)?;
        self.connecting = octets.option(link_id)?;
        self.is_our_kind = octets.bool()?;
        self.peers_identity = octets.u64()?;
        self.tell_all = octets.bool()?;
        self.telling = octets.option(|octets| RewriteWalk::read(octets, store))?;
        self.asked_for_all = octets.bool()?;
        for timer in self.timers.each() {
            *timer = octets.option(Octets::u64)?.map(moved);
        }
        self.sequence = octets.u64()?;
        self.attempts = octets.u32()? as usize;
        self.sent_count = octets.u64()?;
        self.updates = octets.list(4, id)?.into();
        let pending = octets.list(10, |octets| {
            let (id, xid, sent) = (id(octets)?, octets.u32()?, octets.option(Octets::u64)?);
            let desired = binding::State::from_number(octets.u8()?).ok_or(Damaged("a binding state"))?;
            Ok((id, Pending { xid, sent, desired, may_be_known: octets.bool()? }))
        })?;
        self.sent = pending.iter().filter_map(|(id, pending)| Some((pending.sent?, *id))).collect();
        self.pending = pending.into_iter().collect();
        self.to_acknowledge = octets.list(8, |octets| Ok((octets.address()?, octets.u32()?)))?;
        self.update_done_after = octets.option(id)?;
        self.refused = octets.list(4, id)?;
        let told = octets.list(12, |octets| Ok((id(octets)?, moved(octets.u64()?))))?;
        self.told_again = told.into_iter().collect();
        self.set_service();
        Ok(())
    }
}

impl Link {
    fn export(&self, out: &mut Vec<u8>) {
        match self.stage {
            Stage::Opening => out.u8(0),
            Stage::Waiting { until, connect_at } => {
                out.u8(1);
                out.u64(until);
                out.option(connect_at, Vec::u64);
            }
            Stage::Established => out.u8(2),
        }
        out.count(self.candidates.len());
        self.candidates.iter().for_each(|candidate| out.count(*candidate));
        out.bool(self.accepted);
        out.u32(self.xid);
        out.octets(&self.unread);
        out.bool(self.is_our_kind);
        self.skew.export(out);
    }

    fn import(octets: &mut Octets<'_>, relationships: usize, moved: &Moved<'_>) -> Result<Link> {
        let stage = match octets.u8()? {
            0 => Stage::Opening,
            1 => Stage::Waiting {
                until: moved(octets.u64()?),
                connect_at: octets.option(Octets::u64)?.map(moved),
            },
            2 => Stage::Established,
            _ => return Err(Damaged("a stage of a connection")),
        };
        let candidates = octets.list(4, |octets| match octets.u32()? as usize {
            index if index < relationships => Ok(index),
            _ => Err(Damaged("a failover peer")),
        })?;
        let mut link = Link::new(stage, candidates.into(), octets.bool()?);
        link.xid = octets.u32()?;
        link.unread = octets.octets()?.to_vec();
        link.is_our_kind = octets.bool()?;
        link.skew.import(octets, moved)?;
        Ok(link)
    }
}
