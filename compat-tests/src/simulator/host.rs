//! One server's machine: the program, its disk and its clock.

use super::disk::Disk;
use super::plan::Plan;
use super::{Micros, SECOND, START};
use crate::{in_process, replay};
use dhcpd::clock::Now;
use dhcpd::config::startup::{self, CommandLine};
use dhcpd::config::{self, Family, Input};
use dhcpd::eval::context::HostTable;
use dhcpd::log::Line;
use dhcpd::server::Server;
use dhcpd::server::effect::{Effect, Effects};
use dhcpd::server::event::{Event, Interface};
use std::net::Ipv4Addr;

pub struct Host {
    pub number: usize,
    pub server: Option<Server>,
    /// Counts the starts of the program: what belongs to an earlier one finds it gone.
    pub life: u32,
    pub has_power: bool,
    /// It is meant to run.
    pub wanted: bool,
    pub disk: Disk,
    pub saved: Option<Vec<u8>>,
    /// Seconds its wall clock is ahead.
    pub skew: i64,
    pub unreachable: bool,
    pub sync_time: Micros,
    /// When the pending timer event happens.
    pub armed: Option<Micros>,
    /// The failover state it has reported last, and its peer's.
    pub state: String,
    pub partner: String,
    pub effects: Effects,
}

impl Host {
    pub fn new(number: usize, skew: i64) -> Self {
        Host {
            number,
            server: None,
            life: 0,
            has_power: true,
            wanted: false,
            disk: Disk::default(),
            saved: None,
            skew,
            unreachable: false,
            sync_time: 2_000,
            armed: None,
            state: String::new(),
            partner: String::new(),
            effects: Effects::default(),
        }
    }

    pub fn address(number: usize) -> Ipv4Addr {
        Ipv4Addr::new(10, 0, 0, if number == 0 { 10 } else { 12 })
    }

    pub fn port(number: usize) -> u16 {
        if number == 0 { 847 } else { 647 }
    }

    pub fn now(&self, at: Micros) -> Now {
        Now { wall: START + (at / SECOND) as i64 + self.skew, mono: at + 1_000_000 }
    }

    /// Starts the program on what the disk holds. The effects of the start are left in [`Host::effects`]; the file that is
    /// written at the start is in place. `Err`: it does not start.
    pub fn launch(&mut self, at: Micros, plan: &Plan) -> Result<(), String> {
        self.life += 1;
        self.armed = None;
        let now = self.now(at);
        let mut said = Vec::new();
        let mut say = |line: Line| said.push(line.text);
        let text = plan.configuration(self.number).into_bytes();
        let input = Input { name: "dhcpd.conf", text, family: Family::V4, interfaces: &[] };
        let mut include = |_: &str| Err(std::io::ErrorKind::NotFound.into());
        let mut config =
            config::parse(input, &mut include, &mut say).map_err(|error| format!("{error:?}"))?;
        let hosts = HostTable { own_name: "server".into(), ..HostTable::default() };
        let command_line = CommandLine {
            config_file: "dhcpd.conf",
            lease_file: "dhcpd.leases",
            pid_file: "dhcpd.pid",
            quiet: true,
        };
        let values = config
            .start_up(&command_line, &hosts, now.wall, &mut |event| {
                if let startup::Event::Say(line) = event {
                    say(line);
                }
            })
            .map_err(|error| format!("{error:?}"))?;
        let file = ("dhcpd.leases", self.disk.durable.clone());
        let (store, kept) = in_process::load(&mut config, file, now.wall, &mut say);
        let mut server = in_process::build(config, hosts, &values, store, kept);
        self.open(&mut server, now, plan)?;
        self.server = Some(server);
        Ok(())
    }

    /// Another process goes on with what this one held.
    pub fn hand_over(&mut self, at: Micros) -> Result<(), String> {
        let now = self.now(at);
        let Some(server) = &self.server else { return Ok(()) };
        let mut server = replay::successor(server, now)?;
        server.set_interfaces(self.interfaces());
        self.server = Some(server);
        Ok(())
    }

    fn interfaces(&self) -> Vec<Interface> {
        vec![Interface {
            name: "eth0".into(),
            htype: 1,
            hardware: vec![2, 0, 10, 0, 0, self.number as u8],
            addresses: vec![Host::address(self.number)],
        }]
    }

    fn open(&mut self, server: &mut Server, now: Now, plan: &Plan) -> Result<(), String> {
        let mut effects = Effects::default();
        server.open(now, &mut effects);
        while server.is_writing() {
            server.handle(now, Event::Timer, &mut effects);
        }
        let mut file = Vec::new();
        let mut durable = 0;
        for effect in &effects.list {
            match effect {
                Effect::RewriteChunk(range) => {
                    file.extend_from_slice(effects.bytes.get(range.clone()).unwrap_or_default());
                }
                Effect::Append { sequence, .. } => durable = *sequence,
                _ => {}
            }
        }
        if self.disk.full {
            return Err("no space for the lease file".into());
        }
        self.disk.durable = file;
        effects.clear();
        server.handle(now, Event::RewriteDone(Ok(())), &mut effects);
        if durable > 0 {
            server.handle(now, Event::Durable(durable), &mut effects);
        }
        server.set_interfaces(self.interfaces());
        server.start_failover(
            now,
            u64::from(self.life) << 8 | plan.seed << 16 | self.number as u64,
            &mut effects,
        );
        server.append_duid(b"\0\x01\0\x01\0\0\0\0duid", &mut effects);
        self.effects = effects;
        Ok(())
    }
}
