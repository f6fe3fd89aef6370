//! The UDP port when the command line names none: environment, services(5), 67.
#![allow(unsafe_code)]

use super::{command_line, message, trace};
use nix::libc;
use std::ffi::CStr;

/// BOOTP server port, RFC 951.
const BOOTPS: u16 = 67;

/// The error is fatal.
pub fn choose() -> Result<u16, String> {
    match std::env::var_os("DHCPD_PORT") {
        Some(text) => {
            let port = command_line::port(&text.to_string_lossy())?;
            trace::say(&message::environment_port(port));
            Ok(port)
        }
        None => Ok(service(c"dhcp", c"udp").unwrap_or(BOOTPS)),
    }
}

/// getservbyname(3)
fn service(name: &CStr, protocol: &CStr) -> Option<u16> {
    // SAFETY: both names end in NUL. The answer lies in memory of the C library that only this family of functions
    // changes, and no other thread calls one of them; it is read at once.
    let port = unsafe { libc::getservbyname(name.as_ptr(), protocol.as_ptr()).as_ref()? }.s_port;
    Some(u16::from_be(port as u16))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_service_has_no_port() {
        assert_eq!(service(c"no-such-service", c"udp"), None);
    }
}
