//! Everything the core holds as one string of octets: another process goes on with it where this one stopped, and nothing
//! that follows is different. The configuration is not in it, since who takes over has read it.
//!
//! The string begins with [`MAGIC`] and the version, two octets; then come sections, each with its number, a length of eight octets and
//! its content, in the order of the constants of [`section`]. A reader that does not know a section refuses the whole: it
//! must not go on without a part of the state. Moments of the monotonic clock move with the clock of who takes over.

use super::Server;
use super::held::Held;
use super::rewrite::Rewrite;
use crate::clock::Now;
use crate::config::Config;
use crate::dhcp4::Engine;
use crate::dhcp4::export::{Moved, line, put_line};
use crate::eval::ast::{Block, Key, Statement, Zone};
use crate::eval::parse::{Context, Declarations, Parser};
use crate::eval::print;
use crate::lease_file::writer::FAILOVER_STATES;
use crate::lease_file::{FailoverRecord, PeerState};
use crate::log::Line;
use crate::octets::{Damaged, Octets, Put, Result};
use crate::option::Spaces;
use crate::syntax::cursor::Cursor;
use crate::syntax::diagnostic::Report;
use crate::syntax::source::{Source, SourceId};
use crate::transition::load::Kept;
use crate::transition::rewrite::Rewrite as Writing;
use rustc_hash::FxHashMap;

/// How an exported state begins.
pub const MAGIC: &[u8] = b"dhcpd-rs state\n";
/// Of the format. Another one is refused.
pub const VERSION: u16 = 2;

/// Numbers of the sections. Failover and OMAPI have theirs from 16 on.
mod section {
    pub const MOMENT: u8 = 1;
    pub const BLOCKS: u8 = 2;
    pub const BINDINGS: u8 = 3;
    pub const ENGINE: u8 = 4;
    pub const KEPT: u8 = 5;
    pub const HELD: u8 = 6;
    pub const SERVICE: u8 = 7;
    pub const FAILOVER: u8 = 16;
    pub const OMAPI: u8 = 17;
}

/// Appends a section.
fn put_section(out: &mut Vec<u8>, number: u8, content: &[u8]) {
    out.u8(number);
    out.u64(content.len() as u64);
    out.put(content);
}

/// The content of the next section, which has this number.
fn read_section<'a>(octets: &mut Octets<'a>, number: u8) -> Result<Octets<'a>> {
    if octets.u8()? != number {
        return Err(Damaged("another section"));
    }
    let length = usize::try_from(octets.u64()?).map_err(|_| Damaged("a shorter section"))?;
    Ok(Octets::new(octets.take(length)?))
}

impl Server {
    /// The state between two events.
    pub fn export(&self, now: Now) -> Vec<u8> {
        let mut blocks = Blocks::default();
        let (mut bindings, mut engine) = (Vec::new(), Vec::new());
        self.engine.store.export(&mut bindings, &mut |block| blocks.number(block));
        self.engine.export(&mut engine, &mut |block| blocks.number(block));
        let mut out = MAGIC.to_vec();
        out.u16(VERSION);
        let mut content = Vec::new();
        let mut section = |number: u8, write: &mut dyn FnMut(&mut Vec<u8>)| {
            content.clear();
            write(&mut content);
            put_section(&mut out, number, &content);
        };
        section(section::MOMENT, &mut |out| out.u64(now.mono));
        section(section::BLOCKS, &mut |out| blocks.put(out, &self.engine.config.spaces));
        section(section::BINDINGS, &mut |out| out.append(&mut bindings));
        section(section::ENGINE, &mut |out| out.append(&mut engine));
        section(section::KEPT, &mut |out| put_kept(out, &self.kept));
        section(section::HELD, &mut |out| self.held.export(out));
        section(section::SERVICE, &mut |out| self.put_service(out));
        section(section::FAILOVER, &mut |out| self.engine.failover.export(out));
        section(section::OMAPI, &mut |out| self.put_management(out));
        out
    }

    /// A server that goes on from an exported state. `engine` has the configuration and no binding yet; `kept` is what the
    /// configuration says of declarations ([`Kept::settle`]). Errors: what was expected in the octets.
    pub fn import(engine: Engine, kept: Kept, octets: &[u8], now: Now) -> Result<Server> {
        let octets = octets.strip_prefix(MAGIC).ok_or(Damaged("a state of dhcpd-rs"))?;
        let mut octets = Octets::new(octets);
        if octets.u16()? != VERSION {
            return Err(Damaged("a state of this version"));
        }
        let octets = &mut octets;
        let moved = Moved { from: read_section(octets, section::MOMENT)?.u64()?, to: now.mono };
        let blocks = read_blocks(read_section(octets, section::BLOCKS)?, &engine.config)?;
        let mut server = Server::new(engine, kept);
        let mut bindings = read_section(octets, section::BINDINGS)?;
        server.engine.store.import(&mut bindings, &blocks)?;
        let mut engine = read_section(octets, section::ENGINE)?;
        server.engine.import(&mut engine, moved, &blocks)?;
        let mut kept = read_section(octets, section::KEPT)?;
        read_kept(&mut kept, &mut server.kept)?;
        let mut held = read_section(octets, section::HELD)?;
        server.held = Held::import(&mut held)?;
        let mut service = read_section(octets, section::SERVICE)?;
        server.read_service(&mut service, moved)?;
        let mut failover = read_section(octets, section::FAILOVER)?;
        let Engine { failover: pairs, store, .. } = &mut server.engine;
        pairs.import(&mut failover, store, &|mono| moved.at(mono))?;
        let mut omapi = read_section(octets, section::OMAPI)?;
        server.read_management(&mut omapi, &|mono| moved.at(mono))?;
        for section in [bindings, engine, kept, held, service, failover, omapi, *octets] {
            section.end()?;
        }
        Ok(server)
    }

    fn put_service(&self, out: &mut Vec<u8>) {
        match &self.rewrite {
            Rewrite::None => out.u8(0),
            Rewrite::Walking(writing) => {
                out.u8(1);
                writing.put(out);
            }
            Rewrite::Finishing { covers } => {
                out.u8(2);
                out.u64(*covers);
            }
        }
        out.i64(self.rewritten_at);
        for flag in [self.written_since, self.says_written, self.failed, self.shutting_down, self.ended] {
            out.bool(flag);
        }
        out.option(self.retry_at, Vec::u64);
        out.option(self.farewell, Vec::u64);
        out.i64(self.last.wall);
        out.u64(self.last.mono);
        out.count(self.written.len());
        self.written.iter().for_each(|line| put_line(out, line));
    }

    fn read_service(&mut self, octets: &mut Octets<'_>, moved: Moved) -> Result<()> {
        self.rewrite = match octets.u8()? {
            0 => Rewrite::None,
            1 => Rewrite::Walking(Writing::read(octets, &self.engine.store)?),
            2 => Rewrite::Finishing { covers: octets.u64()? },
            _ => return Err(Damaged("a rewrite")),
        };
        self.rewritten_at = octets.i64()?;
        for flag in [
            &mut self.written_since,
            &mut self.says_written,
            &mut self.failed,
            &mut self.shutting_down,
            &mut self.ended,
        ] {
            *flag = octets.bool()?;
        }
        self.retry_at = octets.option(Octets::u64)?.map(|at| moved.at(at));
        self.farewell = octets.option(Octets::u64)?.map(|at| moved.at(at));
        self.last = Now { wall: octets.i64()?, mono: moved.at(octets.u64()?) };
        self.written = octets.list(6, line)?;
        Ok(())
    }
}

/// Blocks of statements, each once, as text: they are kept by bindings, and compared by nobody.
#[derive(Default)]
struct Blocks {
    numbers: FxHashMap<*const Statement, u32>,
    /// Alive as long as their addresses are in use here.
    blocks: Vec<Block>,
}

impl Blocks {
    fn number(&mut self, block: &Block) -> u32 {
        let next = self.blocks.len() as u32;
        let number = *self.numbers.entry(block.as_ptr()).or_insert(next);
        if number == next {
            self.blocks.push(block.clone());
        }
        number
    }

    fn put(&self, out: &mut Vec<u8>, spaces: &Spaces) {
        out.count(self.blocks.len());
        for block in &self.blocks {
            let mut text = Vec::new();
            print::statements(&mut text, block, 0, spaces);
            out.octets(&text);
        }
    }
}

fn read_blocks(mut octets: Octets<'_>, config: &Config) -> Result<Vec<Block>> {
    let texts = octets.list(4, Octets::octets)?;
    octets.end()?;
    if texts.is_empty() {
        return Ok(Vec::new());
    }
    let mut names = InForce { config, spaces: config.spaces.clone() };
    texts.into_iter().map(|text| read_block(text, &mut names)).collect()
}

fn read_block(text: &[u8], names: &mut InForce<'_>) -> Result<Block> {
    let mut warned = false;
    let mut report = |_: Line| warned = true;
    let mut cursor = Cursor::new(Source::new("state", text.to_vec(), SourceId(0)), &mut report);
    let block = Parser::new(&mut cursor, names).statements(Context::Any);
    let at_end = cursor.peek() == crate::syntax::token::Kind::Eof;
    block.filter(|_| at_end && !warned).ok_or(Damaged("statements"))
}

/// What statements see of a configuration that they do not change.
struct InForce<'a> {
    config: &'a Config,
    spaces: Spaces,
}

impl Declarations for InForce<'_> {
    fn spaces(&self) -> &Spaces {
        &self.spaces
    }

    fn spaces_mut(&mut self) -> &mut Spaces {
        &mut self.spaces
    }

    fn has_class(&self, name: &str) -> bool {
        self.config.has_class(name)
    }

    fn has_key(&self, name: &str) -> bool {
        self.config.has_key(name)
    }

    fn enter_key(&mut self, _: Key, _: &mut dyn Report) -> std::result::Result<(), String> {
        Ok(())
    }

    fn enter_zone(&mut self, _: Zone) -> std::result::Result<(), String> {
        Ok(())
    }

    fn set_local_time(&mut self, _: bool) {}
}

/// Declarations follow from the configuration.
fn put_kept(out: &mut Vec<u8>, kept: &Kept) {
    out.option(kept.server_duid.as_deref(), Vec::octets);
    out.count(kept.failover.len());
    for record in &kept.failover {
        out.text(&record.name);
        for state in [record.my, record.partner] {
            out.option(state, |out, state| {
                out.text(state.state);
                out.i64(state.since);
            });
        }
        out.option(record.mclt, |out, mclt| out.u32(mclt.cast_unsigned()));
    }
}

fn read_kept(octets: &mut Octets<'_>, kept: &mut Kept) -> Result<()> {
    kept.server_duid = octets.option(|octets| Ok(octets.octets()?.to_vec()))?;
    kept.failover = octets.list(7, |octets| {
        Ok(FailoverRecord {
            name: octets.text()?.to_owned(),
            my: octets.option(peer_state)?,
            partner: octets.option(peer_state)?,
            mclt: octets.option(|octets| Ok(octets.u32()?.cast_signed()))?,
        })
    })?;
    Ok(())
}

fn peer_state(octets: &mut Octets<'_>) -> Result<PeerState> {
    let name = octets.text()?;
    let state =
        FAILOVER_STATES.into_iter().find(|state| *state == name).ok_or(Damaged("a failover state"))?;
    Ok(PeerState { state, since: octets.i64()? })
}
