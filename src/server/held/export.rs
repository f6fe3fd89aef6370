//! What is held, as octets: see [`crate::server::export`].

use super::{Held, Waiting, What};
use crate::dhcp4::export::{line, put_line, put_send, send};
use crate::octets::{Damaged, Octets, Put, Result};
use crate::stream::StreamId;

impl Held {
    pub fn export(&self, out: &mut Vec<u8>) {
        out.u64(self.durable);
        out.u64(self.made);
        out.bool(self.refusing);
        let mut turns: Vec<_> = self.turns.iter().map(|turn| turn.0).collect();
        turns.sort_unstable();
        out.count(turns.len());
        for (sequence, made, place) in turns {
            let Some(what) = self.waiting.get(place).and_then(Option::as_ref) else { continue };
            out.u64(sequence);
            out.u64(made);
            put_what(out, what);
        }
        let mut clients: Vec<_> = self.clients.iter().collect();
        clients.sort_unstable();
        out.count(clients.len());
        for (client, sequence) in clients {
            out.u64(*client);
            out.u64(*sequence);
        }
        let mut streams: Vec<_> = self.streams.iter().collect();
        streams.sort_unstable_by_key(|(stream, _)| **stream);
        out.count(streams.len());
        for (stream, waiting) in streams {
            out.u64(stream.0);
            out.u64(waiting.sequence);
            out.u32(waiting.count);
        }
    }

    pub fn import(octets: &mut Octets<'_>) -> Result<Held> {
        let mut held =
            Held { durable: octets.u64()?, made: octets.u64()?, refusing: octets.bool()?, ..Held::default() };
        let waiting = octets.list(17, |octets| Ok(((octets.u64()?, octets.u64()?), what(octets)?)))?;
        waiting.into_iter().for_each(|((sequence, made), what)| held.put(sequence, made, what));
        let clients = octets.list(16, |octets| Ok((octets.u64()?, octets.u64()?)))?;
        held.clients = clients.into_iter().collect();
        let streams = octets.list(20, |octets| {
            let stream = StreamId(octets.u64()?);
            Ok((stream, Waiting { sequence: octets.u64()?, count: octets.u32()? }))
        })?;
        held.streams = streams.into_iter().collect();
        Ok(held)
    }
}

fn put_what(out: &mut Vec<u8>, what: &What) {
    match what {
        What::Reply { line, send, payload } => {
            out.u8(1);
            put_line(out, line);
            put_send(out, send);
            out.octets(payload);
        }
        What::Execute(words) => {
            out.u8(2);
            out.count(words.len());
            words.iter().for_each(|word| out.octets(word));
        }
        What::Stream { stream, octets } => {
            out.u8(3);
            out.u64(stream.0);
            out.octets(octets);
        }
        What::Close(stream) => {
            out.u8(4);
            out.u64(stream.0);
        }
        What::Answered(stream) => {
            out.u8(5);
            out.u64(stream.0);
        }
    }
}

fn what(octets: &mut Octets<'_>) -> Result<What> {
    Ok(match octets.u8()? {
        1 => {
            let (line, mut send) = (line(octets)?, send(octets)?);
            let payload = octets.octets()?.to_vec();
            send.payload = 0..payload.len();
            What::Reply { line, send, payload }
        }
        2 => What::Execute(octets.list(4, |octets| Ok(octets.octets()?.to_vec()))?),
        3 => What::Stream { stream: StreamId(octets.u64()?), octets: octets.octets()?.to_vec() },
        4 => What::Close(StreamId(octets.u64()?)),
        5 => What::Answered(StreamId(octets.u64()?)),
        _ => return Err(Damaged("something held")),
    })
}
