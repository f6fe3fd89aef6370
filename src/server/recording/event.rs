//! Events as octets.

use super::start::{names, put_names};
use crate::dhcp4::export::{line, put_line};
use crate::octets::{Damaged, Octets, Put, Result};
use crate::server::event::{Event, InterfaceId};
use crate::stream::{Listener, StreamEvent, StreamId};
use std::io::ErrorKind;

mod tag {
    pub const DATAGRAM: u8 = 1;
    pub const ECHO_REPLY: u8 = 2;
    pub const DURABLE: u8 = 3;
    pub const JOURNAL_FAILED: u8 = 4;
    pub const REWRITE_DONE: u8 = 5;
    pub const TIMER: u8 = 6;
    pub const HOST_NAMES: u8 = 7;
    pub const NAME_FOUND: u8 = 8;
    pub const STREAM: u8 = 9;
    pub const SAY: u8 = 10;
    pub const SHUTDOWN: u8 = 11;
    pub const CLOCK_SET: u8 = 12;
}

pub fn put_event(out: &mut Vec<u8>, event: &Event<'_>) {
    match event {
        Event::Datagram { interface, source, destination, link_source, payload } => {
            out.u8(tag::DATAGRAM);
            out.option(*interface, |out, interface| out.u16(interface.0));
            out.socket(*source);
            out.address(*destination);
            out.octets(link_source);
            out.octets(payload);
        }
        Event::EchoReply(address) => {
            out.u8(tag::ECHO_REPLY);
            out.address(*address);
        }
        Event::Durable(sequence) => {
            out.u8(tag::DURABLE);
            out.u64(*sequence);
        }
        Event::JournalFailed(reason) => {
            out.u8(tag::JOURNAL_FAILED);
            out.text(reason);
        }
        Event::RewriteDone(result) => {
            out.u8(tag::REWRITE_DONE);
            out.option(result.as_ref().err(), |out, reason| out.text(reason));
        }
        Event::Timer => out.u8(tag::TIMER),
        Event::HostNames(table) => {
            out.u8(tag::HOST_NAMES);
            put_names(out, table);
        }
        Event::NameFound { address, name } => {
            out.u8(tag::NAME_FOUND);
            out.address(*address);
            out.option(name.as_deref(), Vec::octets);
        }
        Event::Stream { stream, event } => {
            out.u8(tag::STREAM);
            out.u64(stream.0);
            put_stream(out, event);
        }
        Event::Say(line) => {
            out.u8(tag::SAY);
            put_line(out, line);
        }
        Event::ClockSet(seconds) => {
            out.u8(tag::CLOCK_SET);
            out.i64(*seconds);
        }
        Event::Shutdown => out.u8(tag::SHUTDOWN),
    }
}

/// A datagram and the octets of a stream borrow from `octets`.
pub fn event<'a>(octets: &mut Octets<'a>) -> Result<Event<'a>> {
    Ok(match octets.u8()? {
        tag::DATAGRAM => Event::Datagram {
            interface: octets.option(|octets| Ok(InterfaceId(octets.u16()?)))?,
            source: octets.socket()?,
            destination: octets.address()?,
            link_source: octets.octets()?,
            payload: octets.octets()?,
        },
        tag::ECHO_REPLY => Event::EchoReply(octets.address()?),
        tag::DURABLE => Event::Durable(octets.u64()?),
        tag::JOURNAL_FAILED => Event::JournalFailed(octets.text()?.to_owned()),
        tag::REWRITE_DONE => {
            let failed = octets.option(|octets| Ok(octets.text()?.to_owned()))?;
            Event::RewriteDone(failed.map_or(Ok(()), Err))
        }
        tag::TIMER => Event::Timer,
        tag::HOST_NAMES => Event::HostNames(names(octets)?),
        tag::NAME_FOUND => Event::NameFound {
            address: octets.address()?,
            name: octets.option(|octets| Ok(octets.octets()?.into()))?,
        },
        tag::STREAM => {
            let stream = StreamId(octets.u64()?);
            Event::Stream { stream, event: stream_event(octets)? }
        }
        tag::SAY => Event::Say(line(octets)?),
        tag::CLOCK_SET => Event::ClockSet(octets.i64()?),
        tag::SHUTDOWN => Event::Shutdown,
        _ => return Err(Damaged("an event")),
    })
}

fn put_stream(out: &mut Vec<u8>, event: &StreamEvent<'_>) {
    match event {
        StreamEvent::Accepted { listener, source } => {
            out.u8(1);
            let failover = match listener {
                Listener::Omapi => None,
                Listener::Failover(at) => Some(*at),
            };
            out.option(failover, Vec::socket);
            out.socket(*source);
        }
        StreamEvent::Connected => out.u8(2),
        StreamEvent::ConnectFailed { error, is_local } => {
            out.u8(3);
            put_error(out, *error);
            out.bool(*is_local);
        }
        StreamEvent::Received(received) => {
            out.u8(4);
            out.octets(received);
        }
        StreamEvent::Closed(error) => {
            out.u8(5);
            out.option(*error, put_error);
        }
    }
}

fn stream_event<'a>(octets: &mut Octets<'a>) -> Result<StreamEvent<'a>> {
    Ok(match octets.u8()? {
        1 => {
            let listener = octets.option(Octets::socket)?.map_or(Listener::Omapi, Listener::Failover);
            StreamEvent::Accepted { listener, source: octets.socket()? }
        }
        2 => StreamEvent::Connected,
        3 => StreamEvent::ConnectFailed { error: error(octets)?, is_local: octets.bool()? },
        4 => StreamEvent::Received(octets.octets()?),
        5 => StreamEvent::Closed(octets.option(error)?),
        _ => return Err(Damaged("what happened to a stream")),
    })
}

/// The kinds of errors that a stream can have, by number; others count as the first.
const ERRORS: [ErrorKind; 15] = [
    ErrorKind::Other,
    ErrorKind::NotFound,
    ErrorKind::PermissionDenied,
    ErrorKind::ConnectionRefused,
    ErrorKind::ConnectionReset,
    ErrorKind::HostUnreachable,
    ErrorKind::NetworkUnreachable,
    ErrorKind::ConnectionAborted,
    ErrorKind::NotConnected,
    ErrorKind::AddrInUse,
    ErrorKind::AddrNotAvailable,
    ErrorKind::NetworkDown,
    ErrorKind::BrokenPipe,
    ErrorKind::TimedOut,
    ErrorKind::UnexpectedEof,
];

fn put_error(out: &mut Vec<u8>, error: ErrorKind) {
    out.count(ERRORS.iter().position(|kind| *kind == error).unwrap_or(0));
}

fn error(octets: &mut Octets<'_>) -> Result<ErrorKind> {
    ERRORS.get(octets.u32()? as usize).copied().ok_or(Damaged("an error"))
}
