//! Lines that evaluation says.

use crate::log::{Line, text_of};
use std::fmt::Display;

/// The three ways an expression is evaluated, as ISC's messages name them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    Boolean,
    Data,
    Numeric,
}

impl Wanted {
    fn function(self) -> &'static str {
        match self {
            Wanted::Boolean => "evaluate_boolean_expression",
            Wanted::Data => "evaluate_data_expression",
            Wanted::Numeric => "evaluate_numeric_expression",
        }
    }
}

/// An expression of the wrong kind; `kind` is "Boolean", "Data" or "Numeric".
pub(super) fn wrong_opcode(kind: &str, wanted: Wanted, opcode: u8) -> Line {
    Line::error(format!("{kind} opcode in {}: {opcode}", wanted.function()))
}

/// ISC says so after every call of a function in a typed place.
pub(super) fn bogus_opcode(wanted: Wanted, opcode: u8) -> Line {
    match wanted {
        Wanted::Numeric => Line::error(format!("{}: bogus opcode {opcode}", wanted.function())),
        _ => Line::error(format!("Bogus opcode in {}: {opcode}", wanted.function())),
    }
}

pub(super) fn function_definition(wanted: Wanted) -> Line {
    Line::error(format!(
        "function definition in {}",
        match wanted {
            Wanted::Boolean => "evaluate_boolean_expr",
            Wanted::Data => "evaluate_data_expression",
            Wanted::Numeric => "evaluate_numeric_expr",
        }
    ))
}

pub(super) fn invalid_expression(opcode: u8) -> Line {
    Line::error(format!("evaluate_expression: invalid expression type: {opcode}"))
}

pub(super) fn variable_kind(kind: u8, wanted: Wanted) -> Line {
    Line::error(format!("binding type {kind} in {}.", wanted.function()))
}

pub(super) fn returned_kind(name: &str, kind: u8, wanted: Wanted) -> Line {
    Line::error(format!("{name}() returned type {kind} in {}.", wanted.function()))
}

/// ISC says so where `~=` has an empty string on its left; place and number are those of its source.
pub(super) fn nothing_to_match() -> Line {
    Line::error("data_string_new: src cannot be NULL tree.c(811)")
}

/// ISC says so where a later choice of `pick` gets the place of what a call returned; place and number are those of its source.
pub(super) fn overwritten() -> Line {
    Line::error("tree.c(1853): non-null pointer")
}

pub(super) fn no_such_function(name: &str) -> Line {
    Line::error(format!("{name}: no such function."))
}

pub(super) fn not_a_function(name: &str) -> Line {
    Line::error(format!("{name}: not a function."))
}

pub(super) fn argument_count(name: &str, too_many: bool) -> Line {
    Line::error(format!("{name}: too {} arguments.", if too_many { "many" } else { "few" }))
}

/// ISC cannot forget a function; place and number are those of its source.
pub(super) fn function_replaced() -> Line {
    Line::error("execute.c(387): invalid binding type: 4")
}

pub(super) fn function_unset() -> Line {
    Line::error("execute.c(427): invalid binding type: 4")
}

pub(super) fn no_hardware() -> Line {
    Line::error("data: hardware: no raw packet or lease is available")
}

pub(super) fn no_packet() -> Line {
    Line::error("data: packet: raw packet not available")
}

pub(super) fn no_lease() -> Line {
    Line::debug(
        "data: \"leased-address\" configuration directive: there is no lease associated with this client.",
    )
}

pub(super) fn no_host_name() -> Line {
    Line::error("data: host_decl_name: not available")
}

pub(super) fn no_lease_time() -> Line {
    Line::error("data: leased_lease: not available")
}

pub(super) fn lease_over(ends: i64, now: i64) -> Line {
    Line::error(format!("data: lease_time: lease ends at {ends} when it is now {now}"))
}

pub(super) fn bad_width(width: u64) -> Line {
    Line::info(format!("binary_to_ascii: invalid width {width}!"))
}

pub(super) fn not_a_multiple(function: &str, length: usize, width: u64) -> Line {
    Line::info(format!("{function}: length of buffer {length} not a multiple of width {width}!"))
}

pub(super) fn domain_lists() -> [Line; 2] {
    [
        Line::error("concat_dclists: error decompressing domain list"),
        Line::error("data: concat_dclist failed"),
    ]
}

/// Ours: ISC overflows its stack or never ends.
pub(super) fn too_deep() -> Line {
    Line::error("expression nested too deeply or too long to evaluate; taken as null")
}

pub(super) fn argument(index: usize, text: &[u8]) -> Line {
    Line::debug(format!("execute_statement argv[{index}] = {}", text_of(text)))
}

pub(super) fn bad_argument(index: usize) -> Line {
    Line::debug(format!("execute: bad arg {index}"))
}

/// `space` and code of an option whose buffer ends early.
pub(super) fn malformed(space: &str, code: u32, fault: impl Display) -> Line {
    Line::error(format!("parse_option_buffer: malformed option {space}.<unknown> (code {code}): {fault}."))
}

pub(super) fn empty_host_name() -> Line {
    Line::debug("Ignoring empty DHO_HOST_NAME option")
}

pub(super) fn bogus_hlen() -> Line {
    Line::info("Discarding packet with bogus hlen.")
}

pub(super) fn empty_client_id() -> Line {
    Line::debug("Dropped DHCPv4 packet with zero-length client-id")
}

pub(super) fn short_client_id() -> Line {
    Line::debug(
        "Accepted DHCPv4 packet with one-character client-id - a future version of ISC DHCP will reject this",
    )
}

pub(super) fn no_client_id() -> Line {
    Line::debug("Received DHCPv4 packet without client-id option and empty hlen field.")
}

pub(super) fn fqdn_label_too_long() -> Line {
    Line::info("label length exceeds 63 in fqdn option")
}

pub(super) fn fqdn_label_beyond_end() -> Line {
    Line::info("fqdn label longer than buffer")
}

pub(super) fn unknown_option_space(name: &[u8]) -> Line {
    Line::error(format!("unknown option space {}.", text_of(name)))
}

pub(super) fn low_site_codes(space: &str, lowest: u32) -> Line {
    Line::error(format!(
        "WARNING: site-local option codes less than 224 have been deprecated by RFC3942.  You have options listed in site \
         local space {space} that number as low as {lowest}.  Please investigate if these should be declared as regular \
         options rather than site-local options, or migrated up past 224."
    ))
}

pub(super) fn no_room_for_agent_options() -> Line {
    Line::error("Unable to store relay agent information in reply packet.")
}

pub(super) fn no_such_space(name: &[u8]) -> Line {
    Line::error(format!(
        "option_space_encapsulate: option space '{}' does not exist, but is configured.",
        text_of(name)
    ))
}

pub(super) fn extra_codes(name: &str, rest: &str) -> Line {
    Line::error(format!("{name}: Extra codes in format string: {rest}"))
}

pub(super) fn garbage_in_format(name: &str, letter: u8, rest: &str) -> Line {
    Line::error(format!("{name}: garbage in format string: {}{rest}", char::from(letter)))
}

pub(super) fn unexpected_format(letter: u8) -> Line {
    Line::error(format!("Unexpected format code {}", char::from(letter)))
}

pub(super) fn too_few_octets(name: &str, wanted: usize, found: usize) -> Line {
    Line::error(format!("{name}: expecting at least {wanted} bytes; got {found}"))
}

pub(super) fn extra_octets(name: &str, extra: usize) -> Line {
    Line::error(format!("{name}: {extra} extra bytes"))
}

/// ISC's text ends in a newline, which syslog shows as nothing and standard error as an empty line.
pub(super) fn extra_octets_of_array(name: &str, extra: usize) -> Line {
    Line::error(format!("{name}: {extra} extra bytes at end of array\n"))
}

pub(super) fn invalid_array(name: &str, letter: char, format: &str) -> Line {
    Line::error(format!("{name}: invalid '{letter}' format: {format}"))
}

pub(super) fn invalid_domain_name() -> Line {
    Line::error("Invalid domain name.")
}

pub(super) fn invalid_domain_list() -> Line {
    Line::error("Invalid domain list.")
}
