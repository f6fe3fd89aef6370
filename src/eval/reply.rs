//! The options of a reply: which, in which order, how much room (rules 9.1 to 9.6).

use super::machine::Machine;
use super::message;
use super::options::OptionState;
use crate::option::definition::{DHCP, OptionId};
use crate::option::format::has_text;
use crate::option::space::Spaces;
use crate::wire::area::Area;
use crate::wire::dhcp4::{COOKIE, FIXED, Header};
use smallvec::SmallVec;

/// Options in a list of what to send, at most.
const LONGEST_LIST: usize = 300;
/// IP, UDP and the fixed part.
const OVERHEAD: usize = FIXED + 28;
/// RFC 2132 section 9.10, and ISC's limit.
const SMALLEST_MESSAGE: usize = 576;
const LARGEST_MESSAGE: usize = 1500;
/// Option area of a BOOTP reply.
const BOOTP_AREA: usize = 64;
/// Room for the echo of option 82.
const AGENT_AREA: usize = 1024;

const SUBNET_MASK: u32 = 1;
const ROUTERS: u32 = 3;
const VENDOR_ENCAPSULATED: u32 = 43;
const OVERLOAD: u8 = 52;
const CLIENT_IDENTIFIER: u32 = 61;
const FQDN: u32 = 81;
const AGENT: u32 = 82;
const SUBNET_SELECTION: u32 = 118;
/// Message type, server identifier, lease time, T1, T2, message, requested address, associated address.
const FIRST: [u32; 8] = [53, 54, 51, 58, 59, 56, 50, 92];
/// Mask, routers, name servers, host name and FQDN, for a client that has no wishes.
const THEN: [u32; 5] = [1, 3, 6, 12, 81];

/// What decides about the options of one reply.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wishes<'a> {
    /// Option 55, configured or the client's.
    pub parameter_list: Option<&'a [u8]>,
    /// `echo-client-id`
    pub echo_client_id: bool,
    /// The client sent option 81.
    pub sent_fqdn: bool,
    /// The answer to a DISCOVER or a REQUEST: the mask is sent even if it is not on the list.
    pub wants_mask: bool,
    /// The client ends its text options in NUL.
    pub nul_behind_text: bool,
    /// Largest message: the smaller of option 57 and `dhcp-max-message-size`, none given: 0.
    pub message_size: u16,
    /// Of a BOOTP request: the octets of its payload.
    pub bootp_length: Option<usize>,
    /// `file` and `sname` may take options.
    pub file_is_free: bool,
    pub sname_is_free: bool,
}

type Codes = SmallVec<[u32; 64]>;

/// Codes in the order in which they are tried.
pub fn codes(options: &OptionState, spaces: &Spaces, wishes: &Wishes<'_>) -> Codes {
    let mut list: Codes = SmallVec::from_slice(&FIRST);
    match wishes.parameter_list.filter(|wanted| !wanted.is_empty()) {
        Some(wanted) => put_wanted(&mut list, wanted, options, wishes),
        None => put_all(&mut list, options, spaces),
    }
    list.truncate(LONGEST_LIST);
    in_order(list)
}

fn put_wanted(list: &mut Codes, wanted: &[u8], options: &OptionState, wishes: &Wishes<'_>) {
    if options.contains(OptionId { space: DHCP, code: SUBNET_SELECTION }) {
        list.push(SUBNET_SELECTION);
    }
    if wishes.echo_client_id {
        list.push(CLIENT_IDENTIFIER);
    }
    let room = LONGEST_LIST - list.len();
    // a client has no say about the relay's option
    list.extend(wanted.iter().take(room).map(|code| u32::from(*code)).filter(|code| *code != AGENT));
    if wishes.sent_fqdn {
        list.push(FQDN);
    }
    if wishes.wants_mask {
        list.push(SUBNET_MASK);
    }
}

fn put_all(list: &mut Codes, options: &OptionState, spaces: &Spaces) {
    list.extend(THEN);
    let site = options.site_code_min;
    let mut put = |space, wanted: &dyn Fn(u32) -> bool| {
        let set = options.in_order(space, spaces);
        list.extend(set.iter().map(|(code, _)| *code).filter(|code| wanted(*code) && *code != AGENT));
    };
    if site > 0 {
        put(DHCP, &|code| code < site);
    }
    put(options.site_space, &|code| code >= site);
    let carriers = spaces.iter().filter_map(|space| space.carrier);
    list.extend(carriers.filter(|id| id.space == DHCP && id.code != AGENT).map(|id| id.code));
    list.push(VENDOR_ENCAPSULATED);
}

/// Each code once, and the mask before the routers (RFC 2132 section 3.3).
fn in_order(list: Codes) -> Codes {
    let mut ordered = Codes::new();
    for code in list {
        if ordered.contains(&code) {
            continue;
        }
        ordered.push(code);
        if code == SUBNET_MASK
            && let Some(routers) = ordered.iter().position(|other| *other == ROUTERS)
        {
            let last = ordered.len() - 1;
            ordered.swap(routers, last);
        }
    }
    ordered
}

/// Octets of the option area, cookie included, before room for the relay's option is added.
fn area_size(wishes: &Wishes<'_>) -> usize {
    let smallest = SMALLEST_MESSAGE - OVERHEAD;
    match (usize::from(wishes.message_size), wishes.bootp_length) {
        (0, None) => smallest,
        (0, Some(length)) if length >= BOOTP_AREA + FIXED => length - FIXED,
        (0, Some(_)) => BOOTP_AREA,
        (size, _) => size.clamp(SMALLEST_MESSAGE, LARGEST_MESSAGE) - OVERHEAD,
    }
}

impl Machine<'_> {
    fn store_for_reply(&mut self, area: &mut Area, code: u32, last: bool, nul: bool) {
        let Some(value) = self.reply_value(code) else { return };
        let space = if code >= self.options.site_code_min { self.options.site_space } else { DHCP };
        let text = nul && has_text(self.context.spaces.option_format(OptionId { space, code }));
        if text {
            let mut ended = value.into_owned();
            ended.push(0);
            area.store(code as u8, &ended, last);
        } else {
            area.store(code as u8, &value, last);
        }
    }

    /// Appends cookie and options to `out`, which ends with the header's 236 octets to be, and fills `file` and `sname` of
    /// the header where options overflow. `false`: there is nothing to send, or no room for option 52; nothing is appended.
    /// Padding to 300 octets is the caller's.
    pub fn reply_options(&mut self, wishes: &Wishes<'_>, header: &mut Header, out: &mut Vec<u8>) -> bool {
        let mut agent = Area::new(AGENT_AREA, false, false);
        self.store_for_reply(&mut agent, AGENT, true, false);
        let agent = agent.main();
        let size = (area_size(wishes) + agent.len()).min(LARGEST_MESSAGE - OVERHEAD);
        let own = if size > agent.len() { size - agent.len() } else { size };

        let mut area = Area::new(own.saturating_sub(COOKIE.len()), wishes.file_is_free, wishes.sname_is_free);
        let codes = codes(self.options, self.context.spaces, wishes);
        for (index, code) in codes.iter().enumerate() {
            self.store_for_reply(&mut area, *code, index + 1 == codes.len(), wishes.nul_behind_text);
        }
        let overloaded = area.close();
        let mut used = COOKIE.len() + area.main().len();
        if area.main().is_empty() || (overloaded != 0 && own < used + 3) {
            return false;
        }
        out.extend(COOKIE);
        out.extend_from_slice(area.main());
        if overloaded != 0 {
            out.extend([OVERLOAD, 1, overloaded]);
            used += 3;
            if overloaded & 1 != 0 {
                header.file = *area.file();
            }
            if overloaded & 2 != 0 {
                header.sname = *area.sname();
            }
        }
        if agent.len() <= size - used {
            out.extend_from_slice(agent);
            used += agent.len();
        } else if !agent.is_empty() {
            self.outcome.say(message::no_room_for_agent_options());
        }
        if used < size {
            out.push(255);
        }
        true
    }
}
