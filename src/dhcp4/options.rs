//! The options of a reply: what the engine adds to `eval::reply`, which orders and packs them (rules 9.1 to 9.6).

use super::client::{Client, DISCOVER, REQUEST};
use super::parameter::dhcp;
use crate::eval::machine::Machine;
use crate::eval::options::OptionState;
use crate::eval::reply::Wishes;
use crate::option::definition::{AGENT, FQDN, OptionId};
use crate::wire::dhcp4::{FIXED, Header};
use std::net::Ipv4Addr;
use std::ops::Range;

/// A reply is padded to this length (RFC 1542 section 2.1).
const BOOTP_LENGTH: usize = 300;

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
    /// Sent as short as it is.
    pub is_unpadded: bool,
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

/// The client's own largest message (option 57), when it is smaller than what was decided.
fn message_size(client: &Client<'_>, packing: &Packing<'_>) -> u16 {
    let own = client.packet.option(OptionId::dhcp(dhcp::MAX_MESSAGE_SIZE));
    let own = own.and_then(|value| Some(u16::from_be_bytes(*value.first_chunk::<2>()?)));
    match (packing.max_message, own) {
        (0, own) => own.unwrap_or(0),
        (most, own) => own.map_or(most, |own| own.min(most)),
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
    let wishes = Wishes {
        parameter_list: packing.request_list,
        echo_client_id: packing.echo_client_id,
        sent_fqdn: client.packet.exists(OptionId { space: FQDN, code: crate::eval::fqdn::ENCODED }),
        wants_mask: matches!(client.kind, DISCOVER | REQUEST),
        nul_behind_text: packing.null_terminate,
        message_size: message_size(client, packing),
        bootp_length: packing.is_bootp.then(|| client.packet.message.payload().len()),
        file_is_free: packing.file_is_free,
        sname_is_free: packing.sname_is_free,
    };
    let start = out.len();
    out.resize(start + FIXED, 0);
    machine.reply_options(&wishes, header, out);
    // Options may have gone into file and sname, so the header comes last, to its place in front.
    let end = out.len();
    header.write(out);
    out.copy_within(end.., start);
    out.truncate(end);
    if !packing.is_unpadded && out.len() - start < BOOTP_LENGTH {
        out.resize(start + BOOTP_LENGTH, 0);
    }
    start..out.len()
}

/// Addresses of a reply that come from the configuration.
pub fn first_address(value: &[u8]) -> Option<Ipv4Addr> {
    value.first_chunk::<4>().map(|octets| Ipv4Addr::from(*octets))
}
