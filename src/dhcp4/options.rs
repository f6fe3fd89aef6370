//! Which options a reply carries, in which order and where (rules 9.1 to 9.6): ISC's priority list, the size of the
//! message, `file` and `sname` as further room, long options in pieces.

use super::message;
use super::parameter::dhcp;
use super::request::{Client, DISCOVER, REQUEST};
use crate::eval::machine::Machine;
use crate::eval::options::OptionState;
use crate::option::definition::{AGENT, DHCP, FQDN, OptionId};
use crate::option::format::has_text;
use crate::wire::dhcp4::{COOKIE, FILE_LENGTH, FIXED, Header, SNAME_LENGTH};
use smallvec::SmallVec;
use std::ops::Range;

/// Headers of IP and UDP and the fixed part of the message.
const OVERHEAD: usize = 20 + 8 + FIXED;
/// What every client must be able to take (RFC 2131 section 2).
const SMALLEST: usize = 576;
const LARGEST: usize = 1500;
/// Octets of options in an answer to a BOOTP client (RFC 951).
const BOOTP_OPTIONS: usize = 64;
/// A reply is padded to this length (RFC 1542).
const BOOTP_LENGTH: usize = 300;
/// Codes considered at most.
const PRIORITIES: usize = 300;
/// Room for relay agent options.
const AGENT_ROOM: usize = 1024;

/// How a reply is put together.
#[derive(Debug, Default)]
pub struct Packing<'a> {
    /// The client's or the configured largest message; 0: none said.
    pub max_message: u16,
    /// `file` and `sname` may take options.
    pub file_is_free: bool,
    pub sname_is_free: bool,
    /// The client puts NULs behind text and gets them back.
    pub null_terminate: bool,
    pub is_bootp: bool,
    /// The options to send, wanted first.
    pub request_list: Option<&'a [u8]>,
    pub echo_client_id: bool,
}

/// Lets the reply carry what the relay added to the packet.
pub fn return_agent_options(options: &mut OptionState, client: &Client<'_>) {
    if client.stashed || options.uses(AGENT) {
        return;
    }
    for (code, value) in client.packet.agent_options() {
        options.set_data(OptionId { space: AGENT, code: u32::from(code) }, &value);
    }
}

/// Appends the whole message to `out`; gives where it lies there.
pub fn build(
    machine: &mut Machine<'_>,
    client: &Client<'_>,
    header: &mut Header,
    packing: &Packing<'_>,
    out: &mut Vec<u8>,
) -> Range<usize> {
    let start = out.len();
    let area = option_area(machine, client, header, packing);
    header.write(out);
    out.extend_from_slice(&area);
    if out.len() - start < BOOTP_LENGTH {
        out.resize(start + BOOTP_LENGTH, 0);
    }
    start..out.len()
}

fn area_size(client: &Client<'_>, packing: &Packing<'_>) -> usize {
    let own = client.packet.option(OptionId::dhcp(dhcp::MAX_MESSAGE_SIZE));
    let own = own.and_then(|value| Some(u16::from_be_bytes(*value.first_chunk::<2>()?)));
    let most = match (packing.max_message, own) {
        (0, own) => own.unwrap_or(0),
        (most, own) => own.map_or(most, |own| own.min(most)),
    };
    match usize::from(most) {
        0 if packing.is_bootp => {
            let options = client.packet.message.payload().len().saturating_sub(FIXED);
            options.max(BOOTP_OPTIONS)
        }
        0 => SMALLEST - OVERHEAD,
        most => most.clamp(SMALLEST, LARGEST) - OVERHEAD,
    }
}

/// Cookie, options, overload option, relay agent options, end.
fn option_area(
    machine: &mut Machine<'_>,
    client: &Client<'_>,
    header: &mut Header,
    packing: &Packing<'_>,
) -> Vec<u8> {
    let mut size = area_size(client, packing);
    let mut agent = Packer::new(AGENT_ROOM, None, None);
    if let Some(value) = machine.reply_value(dhcp::AGENT) {
        agent.store(dhcp::AGENT, &value, true);
    }
    let agent = agent.main;
    size = (size + agent.len()).min(LARGEST - OVERHEAD);
    let own = if size > agent.len() { size - agent.len() } else { size };
    let mut packer = Packer::new(
        own - COOKIE.len(),
        packing.file_is_free.then_some(FILE_LENGTH),
        packing.sname_is_free.then_some(SNAME_LENGTH),
    );
    let codes = priorities(machine, client, packing);
    for (index, code) in codes.iter().enumerate() {
        let Some(value) = machine.reply_value(*code) else { continue };
        let is_last = index + 1 == codes.len();
        match packing.null_terminate && is_text(machine, *code) {
            true => {
                let mut text: SmallVec<[u8; 64]> = SmallVec::from_slice(&value);
                text.push(0);
                packer.store(*code, &text, is_last);
            }
            false => packer.store(*code, &value, is_last),
        }
    }
    let mut area = COOKIE.to_vec();
    area.extend_from_slice(&packer.main);
    let overload = packer.overload(header);
    if overload != 0 {
        area.extend([dhcp::OVERLOAD, 1, overload]);
    }
    if !agent.is_empty() {
        match size.saturating_sub(area.len()) >= agent.len() {
            true => area.extend_from_slice(&agent),
            false => machine.outcome.say(message::no_room_for_agent()),
        }
    }
    if area.len() < size {
        area.push(dhcp::END);
    }
    area
}

fn is_text(machine: &Machine<'_>, code: u8) -> bool {
    let code = u32::from(code);
    let space = if code >= machine.options.site_code_min { machine.options.site_space } else { DHCP };
    has_text(machine.context.spaces.option_format(OptionId { space, code }))
}

type Codes = SmallVec<[u8; 64]>;

fn priorities(machine: &Machine<'_>, client: &Client<'_>, packing: &Packing<'_>) -> Codes {
    let mut codes: Codes = SmallVec::from_slice(&[
        dhcp::MESSAGE_TYPE,
        dhcp::SERVER_IDENTIFIER,
        dhcp::LEASE_TIME,
        dhcp::RENEWAL_TIME,
        dhcp::REBINDING_TIME,
        dhcp::MESSAGE,
        dhcp::REQUESTED_ADDRESS,
        dhcp::ASSOCIATED_IP,
    ]);
    match packing.request_list.filter(|list| !list.is_empty()) {
        Some(list) => requested(&mut codes, machine, client, packing, list),
        None => everything(&mut codes, machine),
    }
    let mut seen = [false; 256];
    codes.retain(|code| seen.get_mut(usize::from(*code)).is_some_and(|seen| !std::mem::replace(seen, true)));
    // RFC 2132 section 3.3: the mask stands before the routers.
    let place = |wanted: u8| codes.iter().position(|code| *code == wanted);
    if let (Some(mask), Some(routers)) = (place(dhcp::SUBNET_MASK), place(dhcp::ROUTERS))
        && routers < mask
    {
        codes.swap(mask, routers);
    }
    codes
}

/// Rule 9.1.
fn requested(
    codes: &mut Codes,
    machine: &Machine<'_>,
    client: &Client<'_>,
    packing: &Packing<'_>,
    list: &[u8],
) {
    if machine.options.contains(OptionId::dhcp(dhcp::SUBNET_SELECTION)) {
        codes.push(dhcp::SUBNET_SELECTION);
    }
    if packing.echo_client_id {
        codes.push(dhcp::CLIENT_IDENTIFIER);
    }
    let room = PRIORITIES - codes.len();
    codes.extend(list.iter().copied().take(room).filter(|code| *code != dhcp::AGENT));
    if codes.len() < PRIORITIES
        && client.packet.exists(OptionId { space: FQDN, code: crate::eval::fqdn::ENCODED })
    {
        codes.push(dhcp::FQDN);
    }
    if codes.len() < PRIORITIES && matches!(client.kind, DISCOVER | REQUEST) {
        codes.push(dhcp::SUBNET_MASK);
    }
}

/// Rule 9.2.
fn everything(codes: &mut Codes, machine: &Machine<'_>) {
    let (options, spaces) = (&machine.options, machine.context.spaces);
    codes.extend([
        dhcp::SUBNET_MASK,
        dhcp::ROUTERS,
        dhcp::DOMAIN_NAME_SERVERS,
        dhcp::HOST_NAME,
        dhcp::FQDN,
    ]);
    let mut add = |code: u32| {
        if let Ok(code) = u8::try_from(code)
            && code != dhcp::AGENT
            && codes.len() < PRIORITIES
        {
            codes.push(code);
        }
    };
    let site = options.site_code_min;
    if site != 0 {
        options.in_order(DHCP, spaces).iter().filter(|(code, _)| *code < site).for_each(|(code, _)| add(*code));
    }
    let site_options = options.in_order(options.site_space, spaces);
    site_options.iter().filter(|(code, _)| *code >= site).for_each(|(code, _)| add(*code));
    for space in spaces.iter() {
        if let Some(carrier) = space.carrier.filter(|carrier| carrier.space == DHCP) {
            add(carrier.code);
        }
    }
    add(u32::from(dhcp::VENDOR_ENCAPSULATED));
}

/// One of the places options go.
struct Section {
    octets: Vec<u8>,
    room: usize,
}

impl Section {
    /// Octets that fit so that the end option still does.
    fn fits(&self, length: usize) -> bool {
        self.octets.len() + 3 + length < self.room
    }
}

/// Fills the option area, then `file`, then `sname`; splits what fits nowhere whole.
struct Packer {
    main: Vec<u8>,
    room: usize,
    file: Option<Section>,
    sname: Option<Section>,
}

impl Packer {
    fn new(room: usize, file: Option<usize>, sname: Option<usize>) -> Self {
        let section = |room| Section { octets: Vec::new(), room };
        Packer { main: Vec::new(), room, file: file.map(section), sname: sname.map(section) }
    }

    fn is_overloaded(&self) -> bool {
        [&self.file, &self.sname].into_iter().flatten().any(|section| !section.octets.is_empty())
    }

    /// Stores an option, or nothing of it when it does not fit. The last one need not leave room for the overload option.
    fn store(&mut self, code: u8, value: &[u8], is_last: bool) {
        let before = (
            self.main.len(),
            self.file.as_ref().map(|section| section.octets.len()),
            self.sname.as_ref().map(|section| section.octets.len()),
        );
        let mut rest = value;
        let mut split = value.len() > 255;
        while !rest.is_empty() {
            let Some((target, length)) = self.target(rest.len(), &mut split, is_last) else {
                self.main.truncate(before.0);
                for (section, length) in [(&mut self.file, before.1), (&mut self.sname, before.2)] {
                    if let (Some(section), Some(length)) = (section, length) {
                        section.octets.truncate(length);
                    }
                }
                return;
            };
            let (piece, others) = rest.split_at(length.min(rest.len()).min(255));
            target.extend([code, piece.len() as u8]);
            target.extend_from_slice(piece);
            rest = others;
        }
    }

    /// Where the next piece goes and how much of it.
    fn target(&mut self, length: usize, split: &mut bool, is_last: bool) -> Option<(&mut Vec<u8>, usize)> {
        let used = self.main.len();
        let closes = is_last && !self.is_overloaded() && used + 2 + length < self.room;
        if !*split && (closes || used + 5 + length < self.room) {
            return Some((&mut self.main, length));
        }
        let whole = |section: &Option<Section>| section.as_ref().is_some_and(|section| section.fits(length));
        if !*split && whole(&self.file) {
            return self.file.as_mut().map(|section| (&mut section.octets, length));
        }
        if !*split && whole(&self.sname) {
            return self.sname.as_mut().map(|section| (&mut section.octets, length));
        }
        *split = true;
        if used + 6 < self.room {
            return Some((&mut self.main, self.room - used - 5));
        }
        let section = match (&mut self.file, &mut self.sname) {
            (Some(section), _) if section.fits(1) => section,
            (_, Some(section)) if section.fits(1) => section,
            _ => return None,
        };
        let left = section.room - section.octets.len() - 3;
        Some((&mut section.octets, left))
    }

    /// Closes `file` and `sname` if they took options; gives the value of the overload option.
    fn overload(&mut self, header: &mut Header) -> u8 {
        let mut used = 0;
        let fields = [(&mut self.file, &mut header.file[..], 1), (&mut self.sname, &mut header.sname[..], 2)];
        for (section, field, bit) in fields {
            let Some(section) = section.as_mut().filter(|section| !section.octets.is_empty()) else { continue };
            section.octets.push(dhcp::END);
            section.octets.resize(section.room, 0);
            crate::wire::dhcp4::copy_field(field, &section.octets);
            used |= bit;
        }
        used
    }
}
